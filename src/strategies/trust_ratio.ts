import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { isChange, shareOf } from '../clipping/touched.ts';
import { groupNorms, plainNorm, resized } from '../norms.ts';
import { named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const trust_ratio: TransformPart<{ clip: boolean; semantics: 'safe' | 'optax' }, 'trust_coefficient'> = {
  name: 'trust_ratio',
  summary: "Makes the gradient of every tensor as long as a share of its weights' norm.",
  equation: 'g_l <- g_l * trust_coefficient ||w_l|| / ||g_l||;  clip: the factor is at most 1',
  reference:
    'You et al. 2020 (LAMB), without Adam; optax.scale_by_trust_ratio (the factor is 1 where a norm is 0); clip as in LAMBC (Fong et al. 2020)',
  scope: 'tensor',
  cost: '3R + W',
  options: z.strictObject({
    trust_coefficient: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: "norm of a tensor's gradient afterwards, as a share of its weights' norm",
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
    clip: z.boolean().default(false).meta({
      description: 'whether gradients are made shorter only, never longer',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'optax']).default('safe').meta({
      description:
        'safe: norms never overflow nor underflow; optax: a gradient whose norm overflows becomes 0, one whose squares underflow stays',
      role: 'structural',
    }),
  }),
  make: ({ clip, semantics }) => ({
    init: () => ({}),
    update(grads, state, { params, options: { trust_coefficient } }) {
      const list = Object.entries(grads);
      if (semantics === 'optax') {
        const factors = list.map(([name, g]) => {
          const [w, n] = [plainNorm([pick(params, name)]), plainNorm([g])];
          const ratio = trust_coefficient.mul(w).div(n);
          const factor = tf.where(tf.logicalOr(w.equal(0), n.equal(0)), tf.onesLike(ratio), ratio);
          return clip ? tf.minimum(factor, 1) : factor;
        });
        return {
          grads: named(
            grads,
            list.map(([, g], i) => g.mul(factors[i] ?? 1)),
          ),
          state,
          info: { clipped_fraction: shareOf(factors.map(isChange)), threshold: trust_coefficient },
        };
      }
      const weights = groupNorms(list.map(([name]) => [pick(params, name)]));
      const { groups, factors } = resized(
        list.map(([, g]) => [g]),
        (norms) => {
          const lengths = tf.where(weights.greater(0), weights.mul(trust_coefficient), norms);
          return clip ? tf.minimum(lengths, norms) : lengths;
        },
      );
      return {
        grads: named(grads, groups.flat()),
        state,
        info: { clipped_fraction: shareOf([isChange(factors)]), threshold: trust_coefficient },
      };
    },
  }),
};
