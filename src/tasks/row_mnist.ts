import { z } from 'zod';
import { digitTask } from '../data/digit_task.ts';
import { strideOption } from '../data/stride.ts';
import type { TaskPart } from '../types.ts';

export const row_mnist: TaskPart<{ stride?: number }> = {
  name: 'row_mnist',
  summary: 'The digits of `mnist` read row by row: sequences of 28 rows of 28 pixels.',
  equation: 'rows [28, 28] -> digit',
  reference: 'Le, Jaitly & Hinton 2015 read MNIST pixel by pixel; by rows it is the common smaller version',
  options: z.strictObject({ stride: strideOption }),
  make: ({ stride }) => digitTask((side) => [side, side], stride),
};
