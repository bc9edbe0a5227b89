import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { l2Loss, shortened } from '../norms.ts';
import { mapTensors, named } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';

/** As Python's tf.clip_by_global_norm: a norm that isn't finite turns every entry to NaN, on purpose. */
function clipAsTf(grads: Tensors, max_norm: tf.Scalar): Tensors {
  const halves = Object.values(grads).map(l2Loss);
  const norm = tf.addN(halves).mul(2).sqrt();
  const factor = max_norm.mul(tf.minimum(norm.reciprocal(), max_norm.reciprocal())).add(norm.sub(norm));
  return mapTensors(grads, (g) => g.mul(factor));
}

export const global_norm: TransformPart<{ semantics: 'safe' | 'tf' }, 'max_norm'> = {
  name: 'global_norm',
  summary: 'Clips the L2 norm of all gradients taken together; the direction of the step stays.',
  equation: 'g <- g * min(1, max_norm / ||g||)',
  reference: 'Pascanu, Mikolov & Bengio 2013, Algorithm 1; tf.clip_by_global_norm',
  scope: 'global',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'largest L2 norm of the whole gradient',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 50, scale: 'log' },
      }),
    semantics: z.enum(['safe', 'tf']).default('safe').meta({
      description:
        'safe: the norm never overflows; tf: as tf.clip_by_global_norm, where an overflowing norm makes all NaN',
      role: 'structural',
    }),
  }),
  make: ({ semantics }) => ({
    init: () => ({}),
    update(grads, state, { options: { max_norm } }) {
      const { groups, norms } = shortened([Object.values(grads)], max_norm);
      return {
        grads: semantics === 'tf' ? clipAsTf(grads, max_norm) : named(grads, groups.flat()),
        state,
        info: { clipped_fraction: norms.greater(max_norm).toFloat().asScalar(), threshold: max_norm },
      };
    },
  }),
};
