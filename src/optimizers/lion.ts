import { z } from 'zod';
import { mapTensors, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { blend, decayOption, momentConstants } from '../updates/moments.ts';
import { sign } from '../updates/sign.ts';
import { weightDecayOption, withDecay } from '../updates/weight-decay.ts';

type Numbers = 'beta1' | 'beta2' | 'one_minus_beta1' | 'one_minus_beta2' | 'weight_decay';

export const lion: TransformPart<{ weight_decay: boolean }, Numbers> = {
  name: 'lion',
  summary: 'The sign of a mean of the gradient and its running mean, with decoupled weight decay.',
  equation: 'w <- w - learning_rate (sign(beta1 m + (1-beta1) g) + weight_decay w);  m <- beta2 m + (1-beta2) g',
  reference: 'Chen et al. 2023, Algorithm 2; optax.lion (the rate multiplies the decay; every parameter decays)',
  options: z.strictObject({
    beta1: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .meta({ description: 'share of the running mean in what the sign is of', role: 'numeric' }),
    beta2: decayOption('the gradient', 0.99),
    weight_decay: weightDecayOption(0.001, 'share of the weights that is taken off, times the learning rate'),
  }),
  derive: momentConstants,
  make: ({ weight_decay: hasDecay }) => ({
    init: zerosLike,
    update(grads, state, { params, options, learning_rate }) {
      const { beta1, beta2, one_minus_beta1, one_minus_beta2, weight_decay } = options;
      const rate = learning_rate.neg();
      const step = mapTensors(grads, (g, name) => sign(blend(pick(state, name), beta1, g, one_minus_beta1)).mul(rate));
      return {
        grads: withDecay(step, params, rate.mul(weight_decay), hasDecay),
        state: mapTensors(grads, (g, name) => blend(pick(state, name), beta2, g, one_minus_beta2)),
      };
    },
  }),
};
