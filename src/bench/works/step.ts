/** A step of the training loop, without the loop: batches lie ready. */

import { toDevice } from '../../engine/eager.ts';
import { stream } from '../../engine/random.ts';
import { assemble } from '../../train/assemble.ts';
import { batchesOf, begin, inputsOf } from '../../train/feed.ts';
import { initialState, makeStep } from '../../train/step.ts';
import type { Cell, Engine, HostTensors } from '../../types.ts';
import { footprintOf } from '../footprint.ts';
import type { Subject } from '../subject.ts';

/** Steps that the loop gives an engine at once. */
const TOGETHER = 20;

export function step(cell: Cell, engine: Engine): Subject {
  const assembled = assemble(cell);
  const run = begin(cell, assembled, engine);
  const batch = batchesOf(cell, assembled)(cell.batch_size * TOGETHER);
  // Its numbers may be written over with the next batch.
  const inputs = inputsOf(cell, assembled, { ...batch, x: batch.x.slice(), y: batch.y.slice() }, 0);
  let loss = 0;
  const some = (steps: HostTensors[]) => {
    loss = run.call(steps).at(-1)?.loss ?? Number.NaN;
  };
  return {
    call(count) {
      for (let left = count; left > 0; left -= TOGETHER) some(left >= TOGETHER ? inputs : inputs.slice(0, left));
    },
    footprint() {
      const { task, model } = assembled;
      const { params, state } = model.init((name, shape) => stream('init', 0, name, shape), task.shape);
      const fed = { ...inputs[0], ...constantsOf(assembled.constants) };
      const held = initialState(assembled, params, state);
      return footprintOf(makeStep(assembled), held, toDevice(fed));
    },
    doubt: () =>
      Number.isFinite(loss) ? undefined : `its loss became ${loss}: numbers that aren't finite may take other times`,
    close: run.dispose,
  };
}

function constantsOf(constants: Record<string, number>): HostTensors {
  return Object.fromEntries(
    Object.entries(constants).map(([name, value]) => [name, { shape: [], values: Float32Array.of(value) }]),
  );
}
