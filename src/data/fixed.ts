/** Tasks whose examples are a fixed set, cut into training, validation and test examples. */
import type { Batch, Split, Task, TaskShape } from '../types.ts';
import { evenly, shuffledBatches } from './examples.ts';

export type Splits = Record<Split, Batch>;

/** Training examples looked at in an evaluation, at most; of the other splits it is all. */
const TRAIN_EVALUATED = 1500;

/** `load` is called when the first examples are wanted, which is not while a matrix is planned. */
export function fixed(shape: TaskShape, load: () => Splits): Pick<Task, 'shape' | 'batches' | 'split'> {
  return {
    shape,
    batches: (stream, relabel) => shuffledBatches(load().train, shape, stream, relabel),
    split: (name) => (name === 'train' ? evenly(load().train, shape, TRAIN_EVALUATED) : load()[name]),
  };
}
