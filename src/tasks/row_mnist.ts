import { type DigitOptions, digitOptions, digitTask } from '../data/digit_task.ts';
import type { TaskPart } from '../types.ts';

export const row_mnist: TaskPart<DigitOptions> = {
  name: 'row_mnist',
  summary: 'The digits of `mnist` read row by row: sequences of 28 rows of 28 pixels.',
  equation: 'rows [28, 28] -> digit',
  reference: 'Le, Jaitly & Hinton 2015 read MNIST pixel by pixel; by rows it is the common smaller version',
  options: digitOptions,
  make: (options) => digitTask((side) => [side, side], options),
};
