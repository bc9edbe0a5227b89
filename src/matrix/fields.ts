/** The fields of a cell that aren't parts. Each can be an axis. */
import { z } from 'zod';

const count = (description: string) =>
  z
    .int()
    .positive()
    .max(2 ** 24)
    .meta({ description });

export const fields = z.strictObject({
  steps: count('optimizer updates in a run'),
  batch_size: count('examples in a training batch').default(64),
  eval_every: count('updates between evaluations; the start and the end are always evaluated').default(50),
  log_every: count('updates between rows of steps.csv').default(1),
  gradient_scale: z
    .number()
    .positive()
    .default(1)
    .meta({ description: 'factor on every gradient before the strategy sees it, to provoke overflow' }),
  telemetry: z
    .enum(['off', 'basic', 'full'])
    .default('basic')
    .meta({ description: 'off: the loss; basic: norms and clipping; full: cosine, update and parameter norms too' }),
  numerics: z
    .enum(['repro', 'fast'])
    .default('repro')
    .meta({ description: 'repro: the same bits on every engine; fast: oneDNN on, the same bits on one engine' }),
  target: z
    .number()
    .exactOptional()
    .meta({ description: 'validation metric that counts as reached (steps_to_target)' }),
});
export type Fields = z.infer<typeof fields>;

/** Seeds 0 .. n-1, or a list of them. */
export const seedsSchema = z
  .union([z.int().positive().max(1000), z.array(z.int().min(0)).min(1)])
  .meta({ description: 'number of seeds (0, 1, ...), or a list of seeds' });
