import { z } from 'zod';
import { zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { momentumOption, withMomentum } from '../updates/momentum.ts';
import { trusted } from '../updates/trust-ratio.ts';
import { weightDecayOption, withDecay } from '../updates/weight-decay.ts';

type Structure = { momentum: boolean; weight_decay: boolean };

export const lars: TransformPart<Structure, 'momentum' | 'trust_coefficient' | 'weight_decay'> = {
  name: 'lars',
  summary: "Gradient descent with momentum, each tensor's gradient scaled to the norm of its weights.",
  equation:
    'u = g + weight_decay w;  m <- momentum m + learning_rate trust_coefficient (||w|| / ||u||) u, by tensor;  w <- w - m',
  reference:
    'You et al. 2017, Algorithm 1; optax.lars (the rate is inside the momentum, ratio and coefficient are 1 where a norm is 0; every tensor is scaled)',
  cost: '2R + W',
  options: z.strictObject({
    momentum: momentumOption(0.9, 'share of the last update that is kept'),
    trust_coefficient: z
      .number()
      .positive()
      .default(0.001)
      .meta({ description: "norm of a tensor's update at rate 1, as a share of its weights' norm", role: 'numeric' }),
    weight_decay: weightDecayOption(0, 'share of the weights that is added to the gradient before it is scaled'),
  }),
  make: ({ momentum: hasMomentum, weight_decay: hasDecay }) => ({
    init: (params) => (hasMomentum ? zerosLike(params) : {}),
    update(grads, state, { params, options: { momentum, trust_coefficient, weight_decay }, learning_rate }) {
      const direction = withDecay(grads, params, weight_decay, hasDecay);
      const scaled = trusted(direction, params, trust_coefficient, learning_rate.neg());
      const update = hasMomentum ? withMomentum(state, momentum, scaled) : scaled;
      return { grads: update, state: hasMomentum ? update : {} };
    },
  }),
};
