import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { largestEntry } from '../norms.ts';
import { mapTensors } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const value: TransformPart<
  { semantics: 'safe' | 'tf' | 'keras' | 'torch' | 'optax'; lowest?: number },
  'clip_value' | 'bound'
> = {
  name: 'value',
  summary: 'Clips every entry to [-clip_value, clip_value]; changes the direction of the gradient.',
  equation: 'g_i <- max(min(g_i, clip_value), lowest)',
  reference: 'Mikolov 2012 (thesis); tf.clip_by_value; torch.nn.utils.clip_grad_value_; optax.clip',
  scope: 'element',
  cost: 'R + W',
  options: z
    .strictObject({
      clip_value: z
        .number()
        .positive()
        .meta({
          description: 'largest absolute value of an entry',
          role: 'numeric',
          threshold: true,
          search: { min: 1e-3, max: 10, scale: 'log' },
        }),
      lowest: z.number().exactOptional().meta({
        description: 'smallest entry, where it is not -clip_value',
        role: 'structural',
      }),
      semantics: z.enum(['safe', 'tf', 'keras', 'torch', 'optax']).default('safe').meta({
        description:
          'NaN stays NaN and an infinite entry becomes the bound in all; where lowest is above clip_value, torch and optax answer clip_value, tf lowest; keras: a clip_value of 0 or below is off',
        role: 'structural',
      }),
    })
    .refine(({ clip_value, lowest = -clip_value, semantics }) => semantics !== 'safe' || lowest <= clip_value, {
      path: ['lowest'],
      error: 'give clip_value or less',
    }),
  derive: ({ clip_value, lowest = -Number(clip_value) }) => ({ bound: Number(lowest) }),
  make: ({ semantics, lowest }) => ({
    init: () => ({}),
    statistic: (grads) => largestEntry(Object.values(grads)),
    update(grads, state, { options: { clip_value, bound } }) {
      // Tensor bounds, not tf.clipByValue, whose bounds are JavaScript numbers: they'd be frozen into a recorded step.
      const clipped = mapTensors(grads, (g) =>
        semantics === 'torch' || semantics === 'optax'
          ? tf.minimum(tf.maximum(g, bound), clip_value)
          : semantics === 'keras'
            ? tf.where(clip_value.lessEqual(0), g, tf.maximum(tf.minimum(g, clip_value), bound))
            : tf.maximum(tf.minimum(g, clip_value), bound),
      );
      const isBeyond = (g: tf.Tensor) =>
        lowest === undefined ? g.abs().greater(clip_value) : tf.logicalOr(g.greater(clip_value), g.less(bound));
      const touched = shareOf(Object.values(grads).map(isBeyond));
      return { grads: clipped, state, info: { clipped_fraction: touched, threshold: clip_value } };
    },
  }),
};
