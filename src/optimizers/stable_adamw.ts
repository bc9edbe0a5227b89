import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { groupNorms } from '../norms.ts';
import { join, mapTensors, named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import {
  decayOption,
  epsilonOption,
  type MomentNumbers,
  momentConstants,
  newMoments,
  nextMoments,
  normalizedMean,
} from '../updates/moments.ts';
import { weightDecayOption, withDecay } from '../updates/weight-decay.ts';

export const stable_adamw: TransformPart<{ weight_decay: boolean }, MomentNumbers | 'weight_decay'> = {
  name: 'stable_adamw',
  summary: 'AdamW whose rate goes down for tensors whose gradient is larger than its running mean square expects.',
  equation:
    'm, v: running means of g and g^2;  rms = sqrt(mean(g^2 / max(v^, epsilon^2)));  r = learning_rate / max(1, rms), by tensor;  w <- w - r (m^ / (sqrt(v^) + epsilon) + weight_decay w)',
  reference:
    'Wortsman et al. 2023, Algorithm 2; optimi.StableAdamW (v after its step, decay at the lower rate, no other threshold than 1)',
  cost: 'AdamW + R',
  scope: 'update',
  options: z.strictObject({
    beta1: decayOption('the gradient', 0.9),
    beta2: decayOption("the gradient's square", 0.99),
    epsilon: epsilonOption(1e-6),
    weight_decay: weightDecayOption(0.01, 'share of the weights that is taken off, times the rate of the tensor'),
  }),
  derive: momentConstants,
  make: ({ weight_decay: hasDecay }) => ({
    init: newMoments,
    update(grads, state, { params, options, learning_rate }) {
      const moments = nextMoments(grads, state, options);
      const correction = pick(moments.seen, 'square').sqrt();
      // Quotients, then squares: those of the gradient may overflow.
      const ratios = Object.entries(grads).map(([name, g]) =>
        g.div(tf.maximum(pick(moments.square, name).sqrt().div(correction), options.epsilon)),
      );
      const sizes = tf.tensor1d(ratios.map(({ size }) => Math.sqrt(size)));
      const rms = groupNorms(ratios.map((ratio) => [ratio])).div(sizes);
      const rates = named(grads, learning_rate.neg().div(tf.maximum(1, rms)).unstack());
      const direction = withDecay(
        normalizedMean(moments, options.epsilon, tf.scalar(1)),
        params,
        options.weight_decay,
        hasDecay,
      );
      return {
        grads: mapTensors(direction, (u, name) => u.mul(pick(rates, name))),
        state: join(moments),
        info: {
          clipped_fraction: rms
            .greater(1 + 1e-6)
            .toFloat()
            .mean()
            .asScalar(),
          threshold: tf.scalar(1),
          largest_rms: rms.max().asScalar(),
        },
      };
    },
  }),
};
