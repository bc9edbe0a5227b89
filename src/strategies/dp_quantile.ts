import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { countOf, resizedMean, scaledMean, withNoise } from '../clipping/examples.ts';
import { finiteOr } from '../clipping/finite.ts';
import { noiseMultiplierOption } from '../clipping/noise_multiplier.ts';
import { normRules } from '../clipping/norm_rules.ts';
import { pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

type Structure = {
  rule: 'geometric' | 'arithmetic';
  semantics: 'safe' | 'opacus';
  noise_multiplier: boolean;
  count_noise: boolean;
};

export const dp_quantile: TransformPart<
  Structure,
  | 'quantile'
  | 'threshold_rate'
  | 'initial_norm'
  | 'smallest_norm'
  | 'ceiling'
  | 'gradient_noise'
  | 'noise_multiplier'
  | 'count_noise'
> = {
  name: 'dp_quantile',
  summary: 'Clips the norm of every example at a bound that follows a quantile of these norms, then averages.',
  equation:
    'g <- (sum over examples of g_i * min(1, C / ||g_i||) + z C N(0, 1)) / B;  b = (examples with ||g_i|| <= C, + count_noise N(0, 1)) / B;  C <- C exp(-threshold_rate (b - quantile))',
  reference:
    'Andrew et al. 2021, Algorithm 1; QuantileAdaptiveClipSumQuery of TF-Privacy; AdaClipDPOptimizer of Opacus',
  scope: 'example',
  cost: 'B gradients',
  needs: 'example',
  options: z
    .strictObject({
      initial_norm: z
        .number()
        .positive()
        .default(0.1)
        .meta({
          description: 'bound C at the start',
          role: 'numeric',
          threshold: true,
          search: { min: 0.01, max: 10, scale: 'log' },
        }),
      quantile: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .meta({ description: 'share of examples that is to stay unclipped', role: 'numeric' }),
      threshold_rate: z
        .number()
        .min(0)
        .default(0.2)
        .meta({ description: 'how fast the bound follows', role: 'numeric' }),
      rule: z.enum(['geometric', 'arithmetic']).default('geometric').meta({
        description: 'geometric: the bound is multiplied; arithmetic: C - threshold_rate (b - quantile), 0 at least',
        role: 'structural',
      }),
      smallest_norm: z
        .number()
        .min(0)
        .default(0)
        .meta({ description: 'below which the bound never goes', role: 'numeric' }),
      largest_norm: z.number().positive().exactOptional().meta({
        description: 'above which the bound never goes; without it there is no such limit',
        role: 'structural',
      }),
      noise_multiplier: noiseMultiplierOption,
      count_noise: z.number().min(0).default(0).meta({
        description:
          'deviation of the normal noise on the number of unclipped examples, B / 20 in the paper; with it the noise on the gradient is the larger one that keeps the privacy of noise_multiplier, which has to be below 2 count_noise',
        role: 'numeric',
        absent: 0,
      }),
      semantics: z.enum(['safe', 'opacus']).default('safe').meta({
        description:
          'safe: norms never overflow, and the share b with its noise stays within 0 and 1, as in TF-Privacy; opacus: 1e-6 is added to norms, and b is free',
        role: 'structural',
      }),
    })
    .refine(({ noise_multiplier, count_noise }) => count_noise === 0 || noise_multiplier < 2 * count_noise, {
      path: ['noise_multiplier'],
      error: 'give less than 2 count_noise: a count with so little noise takes all the privacy there is',
    }),
  // z of Andrew et al. 2021, Algorithm 1: what is left of the privacy when the count has had its part.
  derive({ noise_multiplier, count_noise, largest_norm: ceiling = Number.POSITIVE_INFINITY }) {
    const [sigma, count] = [Number(noise_multiplier), Number(count_noise)];
    const rest = sigma === 0 || count === 0 ? sigma : 1 / Math.sqrt(1 / (sigma * sigma) - 1 / (4 * count * count));
    return { gradient_noise: rest, ceiling: Number(ceiling) };
  },
  make: ({ rule, semantics, noise_multiplier: isNoisy, count_noise: isCountNoisy }) => ({
    // Not the bound itself, which is an option, and numeric ones are read in update only: how often the first is taken.
    init: () => ({ bound: tf.scalar(0), started: tf.scalar(0) }),
    update(grads, state, { options, normal }) {
      const { quantile, threshold_rate, initial_norm, smallest_norm, ceiling, gradient_noise, count_noise } = options;
      const count = countOf(grads);
      const bound = tf.where(pick(state, 'started').greater(0), pick(state, 'bound'), initial_norm).asScalar();
      const { mean, norms, factors } =
        semantics === 'safe'
          ? resizedMean(grads, (n) => tf.minimum(n, bound))
          : scaledMean(grads, (n) => normRules.torch(n, bound));

      const isUnclipped = semantics === 'safe' ? norms.lessEqual(bound) : factors.greaterEqual(1);
      const unclipped = isUnclipped.toFloat().sum();
      const counted = isCountNoisy ? unclipped.add(normal('unclipped', []).mul(count_noise)) : unclipped;
      const share = counted.div(count);
      const b = semantics === 'safe' ? tf.maximum(tf.minimum(share, 1), 0) : share;
      const change = b.sub(quantile).mul(threshold_rate);
      const followed = rule === 'geometric' ? bound.mul(change.neg().exp()) : bound.sub(change);
      const within = tf.maximum(tf.minimum(followed, ceiling), smallest_norm);
      return {
        grads: isNoisy ? withNoise(mean, normal, gradient_noise.mul(bound), count) : mean,
        state: { bound: finiteOr(bound, within), started: tf.onesLike(bound) },
        info: {
          clipped_fraction: tf.logicalNot(isUnclipped).toFloat().mean().asScalar(),
          threshold: bound,
          unclipped_share: b.asScalar(),
          example_norm: norms.mean().asScalar(),
        },
      };
    },
  }),
};
