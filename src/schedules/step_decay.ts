import { z } from 'zod';
import type { SchedulePart } from '../types.ts';

export const step_decay: SchedulePart<{ every: number; factor: number }> = {
  name: 'step_decay',
  summary: 'The learning rate falls by a factor every so many steps.',
  equation: 'learning_rate factor^floor(t / every)',
  reference: 'torch.optim.lr_scheduler.StepLR (step_size, gamma)',
  options: z.strictObject({
    every: z.int().positive().meta({ description: 'steps between falls', role: 'structural' }),
    factor: z.number().positive().lte(1).default(0.1).meta({ description: 'of each fall', role: 'structural' }),
  }),
  make:
    ({ every, factor }) =>
    (t) => {
      let product = 1;
      for (let fall = 0; fall < Math.floor(t / every); fall++) product *= factor;
      return product;
    },
};
