/** Schedules that begin with a warm-up share it. */
import { z } from 'zod';

export const warmUpOptions = {
  warmup: z
    .int()
    .min(0)
    .default(0)
    .meta({ description: 'steps in which the rate rises linearly to its full height', role: 'structural' }),
  floor: z
    .number()
    .min(0)
    .lte(1)
    .default(0)
    .meta({ description: 'share of the rate that is reached right after the last step', role: 'structural' }),
};

/** The share that is reached at step t (1 after the warm-up: Goyal et al. 2017, section 2.2), then what `fall` says of the rest, from 0 to 1. */
export function warmedUp(warmup: number, fall: (progress: number) => number): (t: number, steps: number) => number {
  return (t, steps) => (t < warmup ? (t + 1) / (warmup + 1) : fall((t - warmup) / Math.max(1, steps - warmup)));
}
