import { type DigitOptions, digitOptions, digitTask } from '../data/digit_task.ts';
import type { TaskPart } from '../types.ts';

export const pixel_mnist: TaskPart<DigitOptions> = {
  name: 'pixel_mnist',
  summary: 'The digits of `mnist` read pixel by pixel: sequences of 784 numbers; a `stride` of 2 leaves 196.',
  equation: 'pixels [784, 1] -> digit',
  reference: 'Le, Jaitly & Hinton 2015, section 4.2, in reading order, not permuted',
  options: digitOptions,
  make: (options) => digitTask((side) => [side * side, 1], options),
};
