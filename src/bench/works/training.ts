/** Whole runs, as `clipbench run` does them: start, batches, steps, telemetry, evaluations. */
import { train } from '../../train/loop.ts';
import type { Cell, Engine } from '../../types.ts';
import type { Subject } from '../subject.ts';

export function training(cell: Cell, engine: Engine): Subject {
  let diverged: number | undefined;
  return {
    call(count) {
      for (let i = 0; i < count; i++) diverged = train(cell, () => performance.now(), engine).diverged_at;
    },
    doubt: () => (diverged === undefined ? undefined : `it diverged at step ${diverged} and ended there`),
    close() {},
  };
}
