import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { shortened } from '../norms.ts';
import { named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const delta_norm: TransformPart<Record<string, never>, 'gamma' | 'delta'> = {
  name: 'delta_norm',
  summary:
    'Clips the global norm, but never by more than a factor: the largest gradients still make the largest steps.',
  equation: 'g <- g * min(1, max(delta, gamma / ||g||))',
  reference:
    'Tucat et al. 2024 (delta-GClip, arXiv 2404.08624), with their code for the defaults; delta 0 is global_norm',
  scope: 'global',
  cost: '2R + W',
  options: z.strictObject({
    gamma: z
      .number()
      .positive()
      .default(0.1)
      .meta({
        description: 'norm from which on gradients are clipped',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 50, scale: 'log' },
      }),
    delta: z.number().min(0).max(1).default(0.001).meta({
      description: 'smallest factor on a gradient, however long it is',
      role: 'numeric',
    }),
  }),
  make: () => ({
    init: () => ({}),
    update(grads, state, { options: { gamma, delta } }) {
      const list = Object.values(grads);
      const { groups, norms } = shortened([list], gamma);
      const slope = tf.minimum(delta, 1);
      // Where delta rules: compared as lengths, since gamma / ||g|| may underflow and ||g|| overflow.
      const isLong = norms.mul(slope).greater(gamma).asScalar();
      return {
        grads: named(
          grads,
          groups.flat().map((short, i) => tf.where(isLong, (list[i] ?? short).mul(slope), short)),
        ),
        state,
        info: { clipped_fraction: shareOf([norms.greater(gamma)]), threshold: gamma },
      };
    },
  }),
};
