import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shortened } from '../norms.ts';
import { mapTensors, named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

/** As Python's tf.clip_by_norm: a norm that overflows gives 0, a negative max_norm counts as 0. */
function clipAsTf(g: tf.Tensor, max_norm: tf.Scalar): tf.Tensor {
  const c = tf.maximum(max_norm, 0);
  const sumOfSquares = g.square().sum();
  const norm = tf.where(sumOfSquares.greater(0), sumOfSquares.sqrt(), sumOfSquares);
  return g.mul(c).div(tf.maximum(norm, c));
}

export const norm: TransformPart<{ semantics: 'safe' | 'tf' }, 'max_norm'> = {
  name: 'norm',
  summary: 'Clips the L2 norm of every tensor by itself; the directions of the tensors stay, their proportions change.',
  equation: 'g_l <- g_l * min(1, max_norm / ||g_l||)',
  reference: 'tf.clip_by_norm; `clipnorm` of Keras 3',
  scope: 'tensor',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'largest L2 norm of a tensor',
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
    semantics: z.enum(['safe', 'tf']).default('safe').meta({
      description:
        'safe: the norm never overflows; tf: as tf.clip_by_norm, where an overflowing norm makes the tensor 0',
      role: 'structural',
    }),
  }),
  make: ({ semantics }) => ({
    init: () => ({}),
    update(grads, state, { options: { max_norm } }) {
      const { groups, norms } = shortened(
        Object.values(grads).map((g) => [g]),
        max_norm,
      );
      const clipped =
        semantics === 'tf' ? mapTensors(grads, (g) => clipAsTf(g, max_norm)) : named(grads, groups.flat());
      const touched = norms.greater(max_norm);
      return {
        grads: clipped,
        state,
        info: { clipped_fraction: touched.toFloat().mean().asScalar(), threshold: max_norm },
      };
    },
  }),
};
