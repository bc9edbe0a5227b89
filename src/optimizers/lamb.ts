import * as tf from '@tensorflow/tfjs';
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
import { trusted } from '../updates/trust-ratio.ts';
import { weightDecayOption, withDecay } from '../updates/weight-decay.ts';

export const lamb: TransformPart<{ weight_decay: boolean }, MomentNumbers | 'weight_decay'> = {
  name: 'lamb',
  summary: "Adam's update with decay, each tensor's scaled to the norm of its weights.",
  equation: 'u = m^ / (sqrt(v^) + epsilon) + weight_decay w;  w <- w - learning_rate (||w|| / ||u||) u, by tensor',
  reference:
    'You et al. 2020, Algorithm 2; optax.lamb (corrected means, no bounds on ||w||, ratio 1 where a norm is 0; every tensor is scaled)',
  cost: 'Adam + 2R + W',
  options: z.strictObject({
    ...momentOptions(1e-6),
    weight_decay: weightDecayOption(0, 'share of the weights that is added to the update before it is scaled'),
  }),
  derive: momentConstants,
  make: ({ weight_decay: hasDecay }) => ({
    init: newMoments,
    update(grads, state, { params, options, learning_rate }) {
      const moments = nextMoments(grads, state, options);
      const one = tf.scalar(1);
      const direction = withDecay(
        normalizedMean(moments, options.epsilon, one),
        params,
        options.weight_decay,
        hasDecay,
      );
      return { grads: trusted(direction, params, one, learning_rate.neg()), state: join(moments) };
    },
  }),
};
