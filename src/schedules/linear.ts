import { z } from 'zod';
import type { SchedulePart } from '../types.ts';
import { warmedUp, warmUpOptions } from '../warm_up.ts';

export const linear: SchedulePart<{ warmup: number; floor: number }> = {
  name: 'linear',
  summary: 'A linear warm-up, then a straight line down to the floor, which comes right after the last step.',
  equation: 'learning_rate (1 - (1 - floor) p), p = (t - warmup) / (steps - warmup) from the warm-up on',
  reference: 'Devlin et al. 2019, appendix A.2; warm-up of Goyal et al. 2017',
  options: z.strictObject(warmUpOptions),
  make: ({ warmup, floor }) => warmedUp(warmup, (p) => 1 - (1 - floor) * p),
};
