/** Steps of training whose gradients are given: of a model that is linear in its parameters, they are its examples. */

import * as tf from '@tensorflow/tfjs';
import { build, constants, find, parts } from '../../src/parts.ts';
import { flatten, group, join } from '../../src/tensors.ts';
import { byPlace, membersOf, optionsOf } from '../../src/train/members.ts';
import { initialState, makeStep, type StepParts } from '../../src/train/step.ts';
import type { Choice, Clip, HostTensors, Model, Task } from '../../src/types.ts';
import { freed, toHost, toTensors } from './host.ts';

export interface Descent {
  strategy: Clip[];
  optimizer: Choice;
  learning_rate: number;
  /** Decoupled. */
  weight_decay?: number;
  weights: HostTensors;
}

/** y = x . w, where w is all parameters in a row, and the loss is y: its gradient is the mean of x over the examples. */
const model: Model = {
  init: () => ({ params: {}, state: {} }),
  apply: (params, state, x) => [x.matMul(flatten(params).expandDims(1)).as2D(-1, 1), state],
};

const task: Task = {
  shape: { input: [], output: 1 },
  batches: () => () => ({ size: 0, x: new Float32Array(), y: new Float32Array() }),
  split: () => ({ size: 0, x: new Float32Array(), y: new Float32Array() }),
  kind: 'other',
  loss: (y) => y.as1D(),
  metric: { name: 'loss', better: 'lower', perExample: (y) => y.as1D() },
  data: () => ({}),
};

/** The parameters after each step; `steps` has the gradients of each step's micro-batches. */
export function descend(
  { strategy, optimizer, learning_rate, weight_decay, weights }: Descent,
  steps: HostTensors[][],
) {
  const part = find(parts.optimizers, optimizer.name);
  const members = membersOf(strategy);
  const stepParts: StepParts = {
    task,
    model,
    strategies: byPlace(members),
    needs: 'batch',
    optimizer: build(part, optimizer),
    telemetry: 'basic',
    accumulate: steps[0]?.length ?? 1,
    decay: 'decoupled',
  };
  const step = makeStep(stepParts);
  return freed(() => {
    const numbers = join({
      strategy: optionsOf(members),
      optimizer: constants(part, optimizer),
      control: weight_decay === undefined ? {} : { weight_decay },
      noise: { high: 0, low: 0 },
      dropout: { high: 0, low: 0 },
    });
    const fixed = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, tf.scalar(value)]));
    let state = initialState(stepParts, toTensors(weights));
    return steps.map((gradients, t) => {
      const rows = gradients.map((grads) => flatten(toTensors(grads)));
      const out = step(state, {
        ...fixed,
        x: tf.stack(rows),
        y: tf.zeros([rows.length, 1]),
        learning_rate: tf.scalar(learning_rate),
        step: tf.scalar(t),
      });
      state = out.state;
      return toHost(group(state, 'params'));
    });
  });
}
