import { z } from 'zod';
import { group, join, mapTensors, pick, zerosLike } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';
import { blend, decayOption, epsilonOption } from '../updates/moments.ts';
import { momentumOption, withMomentum } from '../updates/momentum.ts';

type Structure = { momentum: boolean; centered: boolean };

export const rmsprop: TransformPart<Structure, 'alpha' | 'one_minus_alpha' | 'epsilon' | 'momentum'> = {
  name: 'rmsprop',
  summary: 'The gradient over the root of its running mean square; centered: over its standard deviation.',
  equation:
    'v <- alpha v + (1-alpha) g^2;  b <- momentum b + g / (sqrt(v) + epsilon);  w <- w - learning_rate b;  centered: v less the square of the running mean of g',
  reference:
    'Tieleman & Hinton 2012, lecture 6.5; centered: Graves 2013, eq. 38-45; torch.optim.RMSprop (epsilon outside the root, no correction for the start at zero)',
  options: z.strictObject({
    alpha: decayOption("the gradient's square", 0.99),
    epsilon: epsilonOption(1e-8),
    momentum: momentumOption(0, 'share of the last update that is kept'),
    centered: z
      .boolean()
      .default(false)
      .meta({ description: 'divides by the standard deviation of the gradient', role: 'structural' }),
  }),
  derive: ({ alpha }) => ({ one_minus_alpha: 1 - Number(alpha) }),
  make: ({ momentum: hasMomentum, centered }) => ({
    init: (params) =>
      join({
        variance: zerosLike(params),
        mean: centered ? zerosLike(params) : {},
        momentum: hasMomentum ? zerosLike(params) : {},
      }),
    update(grads, state, { options: { alpha, one_minus_alpha, epsilon, momentum }, learning_rate }) {
      const means = group(state, 'mean');
      // v - mean^2 follows a recurrence of its own, v <- alpha (v + (1-alpha) (g - mean)^2), which can't become negative
      // by rounding as the difference can.
      const spread = (old: Tensors) =>
        mapTensors(grads, (g, name) =>
          g.sub(pick(means, name)).square().mul(one_minus_alpha).add(pick(old, name)).mul(alpha),
        );
      const old = group(state, 'variance');
      const variance = centered
        ? spread(old)
        : mapTensors(grads, (g, name) => blend(pick(old, name), alpha, g.square(), one_minus_alpha));
      const mean = centered ? mapTensors(grads, (g, name) => blend(pick(means, name), alpha, g, one_minus_alpha)) : {};
      const direction = mapTensors(grads, (g, name) => g.div(pick(variance, name).sqrt().add(epsilon)));
      const buffer = hasMomentum ? withMomentum(group(state, 'momentum'), momentum, direction) : direction;
      return {
        grads: mapTensors(buffer, (b) => b.mul(learning_rate.neg())),
        state: join({ variance, mean, momentum: hasMomentum ? buffer : {} }),
      };
    },
  }),
};
