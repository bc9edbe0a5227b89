import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { countOf, resizedMean, withNoise } from '../clipping/examples.ts';
import { noiseMultiplierOption } from '../clipping/noise_multiplier.ts';
import { mapTensors, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const dp_per_tensor: TransformPart<
  { split: 'uniform' | 'by_size'; noise_multiplier: boolean },
  'max_norm' | 'noise_multiplier'
> = {
  name: 'dp_per_tensor',
  summary: 'Clips every tensor of the gradient of every example by itself, then averages.',
  equation:
    'g_l <- (sum over examples of g_il * min(1, C_l / ||g_il||) + noise_multiplier * max_norm * N(0, 1)) / B;  C_l = max_norm / sqrt(tensors), or max_norm * sqrt(entries of l / entries of all): the sum of C_l^2 is max_norm^2',
  reference: 'McMahan et al. 2018, section 3.1 (per-layer clipping); optax.per_example_layer_norm_clip',
  scope: 'example',
  cost: 'B gradients',
  needs: 'example',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'largest norm of the gradient of one example, shared out among the tensors',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 10, scale: 'log' },
      }),
    noise_multiplier: noiseMultiplierOption,
    split: z.enum(['uniform', 'by_size']).default('uniform').meta({
      description:
        'how the bound is shared out: the same for every tensor, or by the root of the number of its entries',
      role: 'structural',
    }),
  }),
  make: ({ split, noise_multiplier: isNoisy }) => ({
    init: () => ({}),
    update(grads, state, { options: { max_norm, noise_multiplier }, normal }) {
      const count = countOf(grads);
      const tensors = Object.values(grads);
      const entries = tensors.reduce((sum, { size }) => sum + size, 0);
      const share = (g: tf.Tensor) => Math.sqrt(split === 'uniform' ? 1 / tensors.length : g.size / entries);
      const clipped = Object.entries(grads).map(([name, g]) =>
        resizedMean({ [name]: g }, (n) => tf.minimum(n, max_norm.mul(share(g)))),
      );
      const means = Object.assign({}, ...clipped.map(({ mean }) => mean));
      const mean = mapTensors(grads, (_, name) => pick(means, name));
      const touched = tf.concat1d(clipped.map(({ factors }) => factors)).less(1);
      return {
        grads: isNoisy ? withNoise(mean, normal, noise_multiplier.mul(max_norm), count) : mean,
        state,
        info: { clipped_fraction: touched.toFloat().mean().asScalar(), threshold: max_norm },
      };
    },
  }),
};
