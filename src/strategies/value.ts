import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { mapTensors } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const value: TransformPart<{ semantics: 'safe' | 'tf' }, 'clip_value'> = {
  name: 'value',
  summary: 'Clips every entry to [-clip_value, clip_value]; changes the direction of the gradient.',
  equation: 'g_i <- max(min(g_i, clip_value), -clip_value)',
  reference: 'Mikolov 2012 (thesis); tf.clip_by_value',
  scope: 'element',
  options: z.strictObject({
    clip_value: z
      .number()
      .positive()
      .meta({
        description: 'largest absolute value of an entry',
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
    semantics: z.enum(['safe', 'tf']).default('safe').meta({
      description: 'the rule is the same in both: NaN stays NaN, an infinite entry becomes the bound',
      role: 'structural',
    }),
  }),
  make: () => ({
    init: () => ({}),
    update(grads, state, { options: { clip_value } }) {
      // Tensor bounds, not tf.clipByValue, whose bounds are JavaScript numbers: they'd be frozen into a recorded step.
      const clipped = mapTensors(grads, (g) => tf.maximum(tf.minimum(g, clip_value), tf.neg(clip_value)));
      const touched = Object.values(grads).map((g) => g.abs().greater(clip_value).sum());
      const entries = Object.values(grads).reduce((n, g) => n + g.size, 0);
      return {
        grads: clipped,
        state,
        info: { clipped_fraction: tf.addN(touched).toFloat().div(entries), threshold: clip_value },
      };
    },
  }),
};
