import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { isUsable } from '../clipping/finite.ts';
import { towards } from '../clipping/running_mean.ts';
import { groupsIn } from '../clipping/scope.ts';
import { groupNorms, normOf, plainNorm, shortened } from '../norms.ts';
import { named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

/** What norms are divided with, and whether the last step of the warm-up is one (t <= warmup) or not (t < warmup). */
const variants = {
  safe: { epsilon: 0, last: 0 },
  official: { epsilon: 1e-6, last: 0 },
  paper: { epsilon: 0, last: 1 },
};

export const adagc: TransformPart<
  { scope: 'tensor' | 'global'; semantics: keyof typeof variants },
  'lambda' | 'one_minus_beta' | 'warmup' | 'max_norm'
> = {
  name: 'adagc',
  summary: 'Clips the norm of every tensor to a little above the running mean of its own clipped norms.',
  equation:
    'n_l = ||g_l||;  first warmup steps: g_l <- g_l * min(1, max_norm / ||g||), gamma_l <- min(gamma_l, n_l of the clipped);  then g_l <- g_l * min(1, lambda gamma_l / n_l), gamma_l <- beta gamma_l + (1-beta) min(n_l, lambda gamma_l)',
  reference: 'Wang et al. 2025 (AdaGC), Algorithm 1; lishuai-97/AdaGC',
  scope: 'tensor',
  cost: '2R + W',
  options: z.strictObject({
    lambda: z
      .number()
      .positive()
      .default(1.04)
      .meta({
        description: 'largest norm of a tensor, in running means of it',
        role: 'numeric',
        threshold: true,
        search: { min: 1.02, max: 2, scale: 'log' },
      }),
    beta: z
      .number()
      .min(0)
      .lt(1)
      .default(0.99)
      .meta({ description: 'decay of the running mean of the norms', role: 'numeric' }),
    warmup: z.int().min(0).default(100).meta({
      description: 'first steps, in which the global norm is clipped and the smallest norms are noted',
      role: 'numeric',
    }),
    max_norm: z
      .number()
      .positive()
      .default(1)
      .meta({ description: 'largest norm of the whole gradient in the warm-up', role: 'numeric' }),
    scope: z.enum(['tensor', 'global']).default('tensor').meta({
      description: 'whose norm is taken: of every tensor by itself, or of all together (global)',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'official', 'paper']).default('safe').meta({
      description:
        'safe: norms that are 0 or not finite go into no mean, since a mean of 0 would let nothing pass again; official: as lishuai-97/AdaGC, with 1e-6 added to norms; paper: its first version, whose warm-up is a step shorter',
      role: 'structural',
    }),
  }),
  derive: ({ beta }) => ({ one_minus_beta: 1 - Number(beta) }),
  make: ({ scope, semantics }) => ({
    init: (params) => ({
      // Of what hasn't been seen.
      gamma: tf.fill([groupsIn(params, scope).length], Number.POSITIVE_INFINITY),
      count: tf.scalar(0),
    }),
    update(grads, state, { options: { lambda, one_minus_beta, warmup, max_norm } }) {
      const { epsilon, last } = variants[semantics];
      const [gamma, count] = [pick(state, 'gamma'), pick(state, 'count')];
      const groups = groupsIn(grads, scope);
      const isSafe = semantics === 'safe';
      const norms = isSafe ? groupNorms(groups) : tf.stack(groups.map((group) => plainNorm(group)));
      const whole = isSafe ? normOf([norms]) : plainNorm([norms]);

      const isWarmingUp = count.add(last).less(warmup);
      const bounds = gamma.mul(lambda);
      const first = tf.minimum(1, max_norm.div(whole.add(epsilon)));
      const limits = tf.where(isWarmingUp, norms.mul(first), tf.minimum(norms, bounds));

      const smallest = tf.minimum(gamma, limits);
      const followed = tf.where(gamma.less(Number.POSITIVE_INFINITY), towards(gamma, limits, one_minus_beta), limits);
      const fresh = tf.where(isWarmingUp, smallest, followed);
      const next = {
        gamma: isSafe ? tf.where(tf.logicalAnd(isUsable(norms), isUsable(limits)), fresh, gamma) : fresh,
        count: count.add(1),
      };
      const info = {
        clipped_fraction: norms.greater(limits).toFloat().mean().asScalar(),
        // Beyond the warm-up every tensor has its own. This bounds the whole gradient, as max_norm does.
        threshold: tf.where(isWarmingUp, max_norm, normOf([bounds])).asScalar(),
        gamma: normOf([next.gamma]),
      };
      if (isSafe) {
        const short = shortened(groups, limits).groups;
        return { grads: named(grads, short.flat()), state: next, info };
      }
      const later = tf.where(norms.greater(bounds), bounds.div(norms.add(epsilon)), tf.onesLike(norms));
      const factors = tf.where(isWarmingUp, first, later).unstack();
      const scaled = groups.flatMap((group, i) => group.map((g) => g.mul(factors[i] ?? first)));
      return { grads: named(grads, scaled), state: next, info };
    },
  }),
};
