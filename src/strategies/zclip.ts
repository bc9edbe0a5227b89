import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { towards } from '../clipping/running_mean.ts';
import { normOf, plainNorm, shortened } from '../norms.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

type Structure = {
  mode: 'zscore' | 'percentile';
  clip_option: 'adaptive_scaling' | 'mean';
  skip_update_on_spike: boolean;
  semantics: 'safe' | 'zclip';
};

const EPSILON = 1e-6;

export const zclip: TransformPart<
  Structure,
  'z_threshold' | 'alpha' | 'one_minus_alpha' | 'warmup' | 'clip_factor' | 'bound'
> = {
  name: 'zclip',
  summary: 'Clips the global norm where it lies unusually far above the running mean of the norms.',
  equation:
    'z = (||g|| - m) / (s + 1e-6);  z > z_threshold: g <- g * (m + z_threshold^2 s / z) * clip_factor / ||g||;  m, s: running mean and deviation of the norms afterwards',
  reference: 'Kumar et al. 2025 (ZClip), Algorithm 1; bluorion-com/ZClip',
  scope: 'global',
  cost: '2R + W',
  options: z.strictObject({
    z_threshold: z
      .number()
      .positive()
      .default(2.5)
      .meta({
        description: 'deviations above the mean from which a norm is a spike',
        role: 'numeric',
        threshold: true,
        search: { min: 1.5, max: 4, scale: 'linear' },
      }),
    alpha: z
      .number()
      .min(0)
      .lt(1)
      .default(0.97)
      .meta({ description: 'decay of the running mean and variance', role: 'numeric' }),
    warmup: z.int().min(2).default(25).meta({
      description: 'first norms, of which the mean and the variance are begun; they are no spikes',
      role: 'numeric',
    }),
    mode: z.enum(['zscore', 'percentile']).default('zscore').meta({
      description: 'zscore: what a spike is clipped to says clip_option; percentile: to m + z_threshold s',
      role: 'structural',
    }),
    clip_option: z.enum(['adaptive_scaling', 'mean']).default('adaptive_scaling').meta({
      description: 'what a spike is clipped to: the lower the higher it is (adaptive_scaling), or the running mean',
      role: 'structural',
    }),
    clip_factor: z
      .number()
      .positive()
      .default(1)
      .meta({ description: 'times what adaptive scaling clips to', role: 'numeric' }),
    max_norm: z.number().positive().exactOptional().meta({
      description:
        'largest norm, spike or not, in the warm-up too; none where it is left out; ZClip itself takes 1 in its latest revision, none in earlier ones',
      role: 'structural',
    }),
    skip_update_on_spike: z
      .boolean()
      .default(false)
      .meta({ description: 'spikes leave mean and variance as they are', role: 'structural' }),
    semantics: z.enum(['safe', 'zclip']).default('safe').meta({
      description:
        'safe: norms never overflow, and those that are not finite go into no mean; zclip: as bluorion-com/ZClip, where after one NaN nothing is a spike any more',
      role: 'structural',
    }),
  }),
  derive: ({ alpha, max_norm = Number.POSITIVE_INFINITY }) => ({
    one_minus_alpha: 1 - Number(alpha),
    bound: Number(max_norm),
  }),
  make: ({ mode, clip_option, skip_update_on_spike, semantics }) => ({
    init: () => ({ mean: tf.scalar(0), deviation: tf.scalar(0), count: tf.scalar(0) }),
    update(grads, state, { options }) {
      const { z_threshold, alpha, one_minus_alpha, warmup, clip_factor, bound } = options;
      const [mean, deviation, count] = [pick(state, 'mean'), pick(state, 'deviation'), pick(state, 'count')];
      const list = Object.values(grads);
      const norm = semantics === 'safe' ? normOf(list) : plainNorm(list);

      const isWarmingUp = count.less(warmup);
      const score = norm.sub(mean).div(deviation.add(EPSILON));
      const far = mean.add(deviation.mul(z_threshold));
      const spike =
        mode === 'percentile'
          ? { is: norm.greater(far), from: far, to: far }
          : {
              is: score.greater(z_threshold),
              from: mean.add(deviation.add(EPSILON).mul(z_threshold)),
              to:
                clip_option === 'mean'
                  ? mean
                  : mean.add(deviation.mul(z_threshold).div(score.div(z_threshold))).mul(clip_factor),
            };
      const isSpike = tf.logicalAnd(spike.is, tf.logicalNot(isWarmingUp));
      const absorbed = tf.where(isSpike, spike.to, norm);
      const limit = tf.minimum(absorbed, bound).asScalar();

      const isCalm = skip_update_on_spike ? tf.logicalNot(isSpike) : tf.onesLike(isSpike);
      const isKept = semantics === 'safe' ? tf.logicalAnd(isCalm, norm.isFinite()) : isCalm;
      // In the warm-up mean and variance of all so far (Welford 1962); then the reference's, whose variance is about the new mean.
      const share = tf.where(isWarmingUp, count.add(1).reciprocal(), one_minus_alpha);
      const rest = tf.where(isWarmingUp, tf.sub(1, share), alpha);
      const about = tf.where(isWarmingUp, share.sqrt(), share.mul(rest).sqrt());
      const spread = normOf([tf.stack([deviation, absorbed.sub(mean).mul(about)])]).mul(rest.sqrt());
      const next = {
        mean: tf.where(isKept, towards(mean, absorbed, share), mean),
        deviation: tf.where(isKept, spread, deviation),
        count: count.add(isKept.toFloat()),
      };
      const info = {
        clipped_fraction: norm.greater(limit).toFloat().asScalar(),
        threshold: tf.where(isWarmingUp, bound, tf.minimum(spike.from, bound)).asScalar(),
        limit,
        z_score: tf.where(isWarmingUp, 0, score).asScalar(),
        norm_mean: next.mean.asScalar(),
        norm_deviation: next.deviation.asScalar(),
      };
      if (semantics === 'safe') {
        const { groups } = shortened([list], limit);
        return { grads: named(grads, groups.flat()), state: next, info };
      }
      const factor = tf.where(norm.greater(limit), limit.div(norm.add(EPSILON)), tf.onesLike(norm));
      return { grads: mapTensors(grads, (g) => g.mul(factor)), state: next, info };
    },
  }),
};
