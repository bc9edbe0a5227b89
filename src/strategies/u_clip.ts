import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { finiteOr } from '../clipping/finite.ts';
import { shareOf } from '../clipping/touched.ts';
import { largestEntry, normOf, shortened } from '../norms.ts';
import { mapTensors, named, pick, zerosLike } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';

export const u_clip: TransformPart<{ kind: 'value' | 'norm' }, 'bound'> = {
  name: 'u_clip',
  summary: 'Clips, and adds what was cut off to the next gradient: over time nothing is lost.',
  equation: 'u = clip(g + d);  d <- g + d - u;  g <- u',
  reference: 'Elesedy & Hutter 2023 (U-Clip), Algorithm 1',
  scope: 'element',
  cost: '3R + 2W; keeps N',
  options: z.strictObject({
    bound: z
      .number()
      .positive()
      .meta({
        description: 'largest absolute value of an entry, or largest norm of the whole gradient',
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
    kind: z.enum(['value', 'norm']).default('value').meta({
      description: 'what is clipped: every entry, or the norm of the whole gradient',
      role: 'structural',
    }),
  }),
  make: ({ kind }) => ({
    init: zerosLike,
    statistic: (grads) => (kind === 'value' ? largestEntry(Object.values(grads)) : normOf(Object.values(grads))),
    update(grads, state, { options: { bound } }) {
      const full = mapTensors(grads, (g, name) => g.add(pick(state, name)));
      const { clipped, clipped_fraction } = kind === 'value' ? byValue(full, bound) : byNorm(full, bound);
      // What came of a gradient that isn't finite is not carried on.
      const carry = mapTensors(full, (sum, name) => finiteOr(pick(state, name), sum.sub(pick(clipped, name))));
      return {
        grads: clipped,
        state: carry,
        info: { clipped_fraction, threshold: bound, carry_norm: normOf(Object.values(carry)) },
      };
    },
  }),
};

interface Clipped {
  clipped: Tensors;
  clipped_fraction: tf.Scalar;
}

function byValue(tensors: Tensors, bound: tf.Scalar): Clipped {
  return {
    clipped: mapTensors(tensors, (tensor) => tf.maximum(tf.minimum(tensor, bound), bound.neg())),
    clipped_fraction: shareOf(Object.values(tensors).map((tensor) => tensor.abs().greater(bound))),
  };
}

/** All entries are touched, or none. */
function byNorm(tensors: Tensors, bound: tf.Scalar): Clipped {
  const { groups, norms } = shortened([Object.values(tensors)], bound);
  return { clipped: named(tensors, groups.flat()), clipped_fraction: norms.greater(bound).toFloat().asScalar() };
}
