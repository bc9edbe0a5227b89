import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { countOf, resizedMean, scaledMean, withNoise } from '../clipping/examples.ts';
import { noiseMultiplierOption } from '../clipping/noise_multiplier.ts';
import { type NormRule, normRules } from '../clipping/norm_rules.ts';
import type { TransformPart } from '../types.ts';

/** Where a norm is NaN optax leaves the example as it is. */
const optax: NormRule = (n, c) => {
  const factor = tf.minimum(c.div(n), 1);
  return tf.where(factor.isNaN(), tf.onesLike(n), factor);
};
const rules = { tf: normRules.tf, optax, opacus: normRules.torch } satisfies Record<string, NormRule>;

type Structure = { semantics: 'safe' | keyof typeof rules; noise_multiplier: boolean };

export const dp_sgd: TransformPart<Structure, 'max_norm' | 'noise_multiplier'> = {
  name: 'dp_sgd',
  summary: 'Clips the norm of every example, then averages, with noise if it is to be private.',
  equation: 'g <- (sum over examples of g_i * min(1, max_norm / ||g_i||) + noise_multiplier * max_norm * N(0, 1)) / B',
  reference: 'Abadi et al. 2016, Algorithm 1; optax.contrib.differentially_private_aggregate; Opacus',
  scope: 'example',
  cost: 'B gradients',
  needs: 'example',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'largest norm of the gradient of one example',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 10, scale: 'log' },
      }),
    noise_multiplier: noiseMultiplierOption,
    semantics: z.enum(['safe', 'tf', 'optax', 'opacus']).default('safe').meta({
      description:
        'safe: norms never overflow; else as TF-Privacy (a norm that is not finite makes all NaN), optax (an example with NaN passes) or Opacus (1e-6 on the norm)',
      role: 'structural',
    }),
  }),
  make: ({ semantics, noise_multiplier: isNoisy }) => ({
    init: () => ({}),
    update(grads, state, { options: { max_norm, noise_multiplier }, normal }) {
      const count = countOf(grads);
      const { mean, norms, factors } =
        semantics === 'safe'
          ? resizedMean(grads, (n) => tf.minimum(n, max_norm))
          : scaledMean(grads, (n) => rules[semantics](n, max_norm));
      return {
        grads: isNoisy ? withNoise(mean, normal, noise_multiplier.mul(max_norm), count) : mean,
        state,
        info: {
          clipped_fraction: factors.less(1).toFloat().mean().asScalar(),
          threshold: max_norm,
          example_norm: norms.mean().asScalar(),
        },
      };
    },
  }),
};
