import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { countOf, resizedMean, withNoise } from '../clipping/examples.ts';
import { noiseMultiplierOption } from '../clipping/noise_multiplier.ts';
import { isChange } from '../clipping/touched.ts';
import type { TransformPart } from '../types.ts';

type Rule = 'auto' | 'psac' | 'drop';
type Numeric = 'max_norm' | 'gamma' | 'r' | 'noise_multiplier';

/**
 * How long an example of norm n becomes. With the quotients turned round 0 and Infinity come out right: n / (n + gamma) would
 * be NaN.
 */
const lengths: Record<Rule, (n: tf.Tensor, options: Record<Numeric, tf.Scalar>) => tf.Tensor> = {
  auto: (n, { max_norm, gamma }) => max_norm.div(gamma.div(n).add(1)),
  psac: (n, { max_norm, r }) => max_norm.div(r.div(n.add(r)).div(n).add(1)),
  drop: (n, { max_norm }) => tf.where(n.greater(max_norm), tf.zerosLike(n), n),
};

export const dp_automatic: TransformPart<{ rule: Rule; noise_multiplier: boolean }, Numeric> = {
  name: 'dp_automatic',
  summary: 'Brings the gradients of all examples to about the same norm, or drops the long ones, then averages.',
  equation:
    'auto: g <- mean of g_i * max_norm / (||g_i|| + gamma);  psac: max_norm / (||g_i|| + r / (||g_i|| + r));  drop: 1 where ||g_i|| <= max_norm, else 0;  noise_multiplier * max_norm * N(0, 1) / B is added',
  reference:
    'auto: Bu et al. 2023 (Automatic Clipping: AUTO-S, with gamma 0 AUTO-V); psac: Xia et al. 2023 (DP-PSAC); drop: `global` of fastDP',
  scope: 'example',
  cost: 'B gradients',
  needs: 'example',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: 'bound on the norm of the gradient of one example',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 10, scale: 'log' },
      }),
    rule: z.enum(['auto', 'psac', 'drop']).default('auto').meta({
      description: 'auto: short ones are made longer too; psac: very short ones less so; drop: long ones count as 0',
      role: 'structural',
    }),
    gamma: z
      .number()
      .min(0)
      .default(0.01)
      .meta({ description: 'of auto: examples of a norm below it stay short', role: 'numeric' }),
    r: z
      .number()
      .positive()
      .default(0.1)
      .meta({ description: 'of psac: the lower, the longer short examples become', role: 'numeric' }),
    noise_multiplier: noiseMultiplierOption,
  }),
  make: ({ rule, noise_multiplier: isNoisy }) => ({
    init: () => ({}),
    update(grads, state, { options, normal }) {
      const { max_norm, noise_multiplier } = options;
      const { mean, norms, factors } = resizedMean(grads, (n) => lengths[rule](n, options));
      return {
        grads: isNoisy ? withNoise(mean, normal, noise_multiplier.mul(max_norm), countOf(grads)) : mean,
        state,
        info: {
          clipped_fraction: isChange(factors).toFloat().mean().asScalar(),
          threshold: max_norm,
          example_norm: norms.mean().asScalar(),
        },
      };
    },
  }),
};
