/** How a strategy is used, the same for all: where in a step, on which parameters, and what it does with what isn't finite. */
import { z } from 'zod';
import { type Clip, type Options, type Placement, places } from '../types.ts';

const patterns = (description: string) =>
  z.array(z.string().min(1)).default([]).meta({ description, role: 'structural' });

/** Options that every strategy takes beside its own. */
export const placementOptions = {
  place: z.enum(places).default('gradient').meta({
    description:
      'micro_batch: on the gradient of every micro-batch; gradient: on their mean, before the optimizer; update: on what the optimizer returns, before the learning rate',
    role: 'structural',
  }),
  include: patterns('parameters that it sees, as names or patterns such as ["w*"]; none are all'),
  exclude: patterns('parameters that it leaves alone, such as ["b*", w2]'),
  non_finite: z.enum(['propagate', 'raise', 'zero', 'skip_step']).default('propagate').meta({
    description:
      "propagate: a gradient that isn't finite goes on; raise: the run ends as diverged; zero: such entries count as 0; skip_step: the update is left out",
    role: 'structural',
  }),
};

const schema = z.object(placementOptions);

/** A strategy's own options apart from how it is used. Of the latter, defaults aren't kept: they have one way to be said. */
export function clipOf(name: string, written: Options): Clip {
  const { place, include, exclude, non_finite } = schema.parse(written);
  const placement: Placement = {
    ...(place !== 'gradient' && { place }),
    ...(include.length > 0 && { include }),
    ...(exclude.length > 0 && { exclude }),
    ...(non_finite !== 'propagate' && { non_finite }),
  };
  const own = Object.entries(written).filter(([option]) => !(option in placementOptions));
  return { name, options: Object.fromEntries(own), ...placement };
}
