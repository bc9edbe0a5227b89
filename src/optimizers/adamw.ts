import { z } from 'zod';
import { join } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import {
  type MomentNumbers,
  momentConstants,
  momentOptions,
  newMoments,
  nextMoments,
  normalizedMean,
} from '../updates/moments.ts';
import { weightDecayOption, withDecay } from '../updates/weight-decay.ts';

export const adamw: TransformPart<{ weight_decay: boolean }, MomentNumbers | 'weight_decay'> = {
  name: 'adamw',
  summary: "Adam with decoupled weight decay: the decay doesn't enter the running means.",
  equation:
    'm <- beta1 m + (1-beta1) g;  v <- beta2 v + (1-beta2) g^2;  w <- w - learning_rate (m^ / (sqrt(v^) + epsilon) + weight_decay w)',
  reference:
    'Loshchilov & Hutter 2019, Algorithm 2; torch.optim.AdamW and optax.adamw (the rate multiplies the decay; every parameter decays)',
  options: z.strictObject({
    ...momentOptions(1e-8),
    weight_decay: weightDecayOption(0.01, 'share of the weights that is taken off, times the learning rate; 0 is adam'),
  }),
  derive: momentConstants,
  make: ({ weight_decay: hasDecay }) => ({
    init: newMoments,
    update(grads, state, { params, options, learning_rate }) {
      const moments = nextMoments(grads, state, options);
      const rate = learning_rate.neg();
      const step = normalizedMean(moments, options.epsilon, rate);
      return { grads: withDecay(step, params, rate.mul(options.weight_decay), hasDecay), state: join(moments) };
    },
  }),
};
