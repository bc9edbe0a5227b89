import { z } from 'zod';
import type { SchedulePart } from '../types.ts';

export const constant: SchedulePart = {
  name: 'constant',
  summary: 'The learning rate as it is given.',
  equation: 'learning_rate',
  reference: 'Robbins & Monro 1951 is where rates that fall begin',
  options: z.strictObject({}),
  make: () => () => 1,
};
