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
  make({ every, factor }) {
    let known = { falls: 0, product: 1 };
    return (t) => {
      const falls = Math.floor(t / every);
      // Goes on from the last call: a long run would multiply for minutes otherwise.
      if (falls < known.falls) known = { falls: 0, product: 1 };
      while (known.falls < falls) known = { falls: known.falls + 1, product: known.product * factor };
      return known.product;
    };
  },
};
