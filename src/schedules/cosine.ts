import { z } from 'zod';
import type { SchedulePart } from '../types.ts';
import { warmedUp, warmUpOptions } from '../warm_up.ts';

export const cosine: SchedulePart<{ warmup: number; floor: number }> = {
  name: 'cosine',
  summary: 'A linear warm-up, then half a cosine down to the floor, which comes right after the last step.',
  equation:
    'learning_rate (floor + (1 - floor) (1 + cos(pi p)) / 2), p = (t - warmup) / (steps - warmup) from the warm-up on',
  reference: 'Loshchilov & Hutter 2017, eq. 5, without restarts; warm-up of Goyal et al. 2017',
  options: z.strictObject(warmUpOptions),
  make: ({ warmup, floor }) => warmedUp(warmup, (p) => floor + ((1 - floor) * (1 + Math.cos(Math.PI * p))) / 2),
};
