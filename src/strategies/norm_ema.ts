import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { isUsable } from '../clipping/finite.ts';
import { towards } from '../clipping/running_mean.ts';
import { groupsIn, type Scope, scopeOption } from '../clipping/scope.ts';
import { normOf, plainNorm, shortened } from '../norms.ts';
import { named, pick } from '../tensors.ts';
import type { Tensors, Transform, TransformPart } from '../types.ts';

type Numeric = 'ratio' | 'one_minus_beta';

export const norm_ema: TransformPart<{ scope: Scope; semantics: 'safe' | 'olmo' }, Numeric> = {
  name: 'norm_ema',
  summary: 'Clips norms to a multiple of their running mean.',
  equation: 'c = ratio * m / (1 - beta^t);  g <- g * min(1, c / ||g||);  m <- beta m + (1-beta) min(||g||, c)',
  reference: 'max_grad_norm_ratio of allenai/OLMo (olmo/optim.py), with a bias correction as in Kingma & Ba 2015',
  scope: 'global',
  cost: '2R + W',
  options: z.strictObject({
    ratio: z
      .number()
      .positive()
      .default(2)
      .meta({
        description: 'largest norm, in running means of the norm',
        role: 'numeric',
        threshold: true,
        search: { min: 1.1, max: 4, scale: 'log' },
      }),
    beta: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .meta({ description: 'decay of the running mean of the norms', role: 'numeric' }),
    scope: scopeOption,
    semantics: z.enum(['safe', 'olmo']).default('safe').meta({
      description:
        'safe: the mean is corrected for its start at 0, the first step is not clipped, and norms that are 0 or not finite go into no mean; olmo: the mean starts as the second norm, and keeps a NaN',
      role: 'structural',
    }),
  }),
  derive: ({ beta }) => ({ one_minus_beta: 1 - Number(beta) }),
  make: ({ scope, semantics }) => (semantics === 'safe' ? corrected(scope) : olmo(scope)),
};

/** `seen` follows the recurrence of `mean` with 1 in place of the norm: it is 1 - beta^t. */
const corrected = (scope: Scope): Transform<Numeric> => ({
  init: (params) => ({ mean: zeros(params, scope), seen: zeros(params, scope) }),
  update(grads, state, { options: { ratio, one_minus_beta } }) {
    const [mean, seen] = [pick(state, 'mean'), pick(state, 'seen')];
    const groups = groupsIn(grads, scope);
    const limits = tf.where(seen.greater(0), mean.div(seen).mul(ratio), Number.POSITIVE_INFINITY);
    const { groups: short, norms } = shortened(groups, limits);
    const isKept = isUsable(norms);
    const next = {
      mean: tf.where(isKept, towards(mean, tf.minimum(norms, limits), one_minus_beta), mean),
      seen: tf.where(isKept, towards(seen, 1, one_minus_beta), seen),
    };
    return { grads: named(grads, short.flat()), state: next, info: report(norms.greater(limits), limits) };
  },
});

const olmo = (scope: Scope): Transform<Numeric> => ({
  init: (params) => ({ mean: zeros(params, scope), count: tf.scalar(0) }),
  update(grads, state, { options: { ratio, one_minus_beta } }) {
    const count = pick(state, 'count');
    const groups = groupsIn(grads, scope);
    const norms = tf.stack(groups.map((group) => plainNorm(group)));
    // The first two norms are their own means, and only the second is kept.
    const mean = tf.where(count.less(2), norms, pick(state, 'mean'));
    const limits = mean.mul(ratio);
    const factors = tf.minimum(1, limits.div(norms.add(1e-6)));
    const isClipped = factors.less(1);
    const fresh = towards(mean, tf.where(isClipped, limits, norms), one_minus_beta);
    const single = factors.unstack();
    return {
      grads: named(
        grads,
        groups.flatMap((group, i) => group.map((g) => g.mul(single[i] ?? factors))),
      ),
      state: { mean: tf.where(count.less(1), pick(state, 'mean'), fresh), count: count.add(1) },
      info: report(isClipped, limits),
    };
  },
});

const zeros = (params: Tensors, scope: Scope): tf.Tensor => tf.zeros([groupsIn(params, scope).length]);

/** Where every tensor has a limit of its own, the threshold is the bound on the whole gradient that comes of them. */
const report = (isClipped: tf.Tensor, limits: tf.Tensor): Record<string, tf.Scalar> => ({
  clipped_fraction: isClipped.toFloat().mean().asScalar(),
  threshold: normOf([limits]),
});
