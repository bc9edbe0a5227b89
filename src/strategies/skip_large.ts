import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { normOf } from '../norms.ts';
import type { TransformPart } from '../types.ts';

export const skip_large: TransformPart<Record<string, never>, 'max_norm'> = {
  name: 'skip_large',
  summary: 'Leaves out steps whose gradient norm is not below max_norm.',
  equation: 'skip where not ||g|| < max_norm',
  reference: 'optax.skip_large_updates, whose max_squared_norm is max_norm^2',
  scope: 'step',
  cost: 'R',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'norm of all gradients together from which a step is left out',
        role: 'numeric',
        threshold: true,
        search: { min: 0.1, max: 100, scale: 'log' },
      }),
  }),
  make: () => ({
    init: () => ({}),
    statistic: (grads) => normOf(Object.values(grads)),
    update(grads, state, { options: { max_norm } }) {
      // Not `greaterEqual`, so that NaN is left out too.
      const skip = tf.logicalNot(normOf(Object.values(grads)).less(max_norm)).asScalar();
      return { grads, state, skip, info: { clipped_fraction: skip.toFloat().asScalar(), threshold: max_norm } };
    },
  }),
};
