import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { groupNorms, shortened } from '../norms.ts';
import { named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const block_rms: TransformPart<{ semantics: 'safe' | 'optax' }, 'max_rms'> = {
  name: 'block_rms',
  summary: 'Clips the root mean square of every tensor, so that large tensors may have larger norms than small ones.',
  equation: 'g_l <- g_l / max(1, RMS(g_l) / max_rms)',
  reference: 'Shazeer & Stern 2018, section 6, on the gradient; optax.clip_by_block_rms',
  scope: 'tensor',
  cost: '2R + W',
  options: z.strictObject({
    max_rms: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: 'largest root mean square of a tensor',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 10, scale: 'log' },
      }),
    semantics: z.enum(['safe', 'optax']).default('safe').meta({
      description: 'safe: the mean square never overflows; optax: a tensor where it does becomes 0',
      role: 'structural',
    }),
  }),
  make: ({ semantics }) => ({
    init: () => ({}),
    statistic: (grads) => {
      const list = Object.values(grads);
      const norms = groupNorms(list.map((g) => [g]));
      return norms
        .div(tf.tensor1d(list.map(({ size }) => Math.sqrt(size))))
        .max()
        .asScalar();
    },
    update(grads, state, { options: { max_rms } }) {
      const list = Object.values(grads);
      const { tensors, isTouched } = semantics === 'safe' ? byNorm(list, max_rms) : byMeanSquare(list, max_rms);
      return {
        grads: named(grads, tensors),
        state,
        info: { clipped_fraction: shareOf([isTouched]), threshold: max_rms },
      };
    },
  }),
};

/** A root mean square of max_rms is a norm of max_rms sqrt(n). */
function byNorm(list: tf.Tensor[], max_rms: tf.Scalar) {
  const longest = tf.stack(list.map(({ size }) => max_rms.mul(Math.sqrt(size))));
  const { groups, norms } = shortened(
    list.map((g) => [g]),
    longest,
  );
  return { tensors: groups.flat(), isTouched: norms.greater(longest) };
}

function byMeanSquare(list: tf.Tensor[], max_rms: tf.Scalar) {
  const excess = list.map((g) => g.square().mean().sqrt().div(max_rms));
  return {
    tensors: list.map((g, i) => g.div(tf.maximum(1, excess[i] ?? 1))),
    isTouched: tf.stack(excess).greater(1),
  };
}
