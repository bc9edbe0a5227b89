/** The fields of a cell that aren't parts. Each can be an axis. */
import { z } from 'zod';

/** A strength that is off at 0. */
const strength = (description: string) => control(z.number().min(0), description);
/** Less than all. */
const share = (description: string) => control(z.number().min(0).lt(1), description);
const control = (schema: z.ZodNumber, description: string) =>
  schema.default(0).meta({ description: `${description}; 0: off` });

const count = (description: string) =>
  z
    .int()
    .positive()
    .max(2 ** 24)
    .meta({ description });

/** What else than clipping may do its job, or call for it. Off unless said. */
export const controls = {
  weight_decay: strength('share of the weights taken off in each update, times the learning rate; not clipped'),
  decay: z.enum(['decoupled', 'coupled']).default('decoupled').meta({
    description:
      "of weight_decay; decoupled: beside the optimizer's update, as AdamW; coupled: added to the clipped gradient",
  }),
  l1: strength('penalty on the absolute weights; part of the gradient that is clipped'),
  l2: strength('penalty on the squared weights; part of the gradient that is clipped'),
  label_smoothing: share('share of a target spread over all classes'),
  label_noise: share('share of the training labels replaced by random ones'),
  huber: strength('error from which on the squared loss grows linearly'),
  gradient_noise: strength('eta of normal noise on the gradient, of variance eta / (1 + t)^0.55'),
  accumulate: z
    .int()
    .positive()
    .max(1000)
    .default(1)
    .meta({ description: 'micro-batches of an update, whose gradients are averaged; they divide the batch' }),
  max_weight_norm: strength('bound on the norm of the weights into each unit'),
  spike_every: z
    .int()
    .min(0)
    .default(0)
    .meta({ description: 'updates between gradients multiplied with spike_factor; 0: off' }),
  spike_factor: z.number().positive().default(100).meta({ description: 'factor on the gradient at a spike' }),
};

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
  ...controls,
  target: z
    .number()
    .exactOptional()
    .meta({ description: 'validation metric that counts as reached (steps_to_target)' }),
});
export type Fields = z.infer<typeof fields>;

/** Fields that act only where another one isn't 0. */
export const dependents = [
  { field: 'decay', on: 'weight_decay' },
  { field: 'spike_factor', on: 'spike_every' },
] as const;

/** What fields are where nothing is said of them. */
export const unsaid = fields.partial({ steps: true }).parse({});

/** The same fields; those that act on nothing as if they weren't said, so that they make no other cell of it. */
export function acting(given: Fields): Fields {
  const idle = dependents.filter(({ on }) => given[on] === 0).map(({ field }) => [field, unsaid[field]]);
  return { ...given, ...Object.fromEntries(idle) };
}

/** Seeds 0 .. n-1, or a list of them. */
export const seedsSchema = z
  .union([z.int().positive().max(1000), z.array(z.int().min(0)).min(1)])
  .meta({ description: 'number of seeds (0, 1, ...), or a list of seeds' });
