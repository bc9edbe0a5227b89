import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { group, join, mapTensors, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import {
  type MomentNumbers,
  momentConstants,
  momentOptions,
  newMoments,
  nextMoments,
  normalizedMean,
} from '../updates/moments.ts';
import { sign } from '../updates/sign.ts';
import { weightDecayOption } from '../updates/weight-decay.ts';

type Numbers = MomentNumbers | 'theta' | 'reset_every' | 'warmup' | 'clip_from' | 'weight_decay';

export const spam: TransformPart<{ weight_decay: boolean; semantics: 'safe' | 'official' }, Numbers> = {
  name: 'spam',
  summary:
    'Adam whose entries are clipped where they spike above their own mean square, and which forgets its means from time to time.',
  equation:
    'g_i^2 > theta v_i: g_i <- sign(g_i) sqrt(theta v_i);  every reset_every steps: m, v <- 0, then the rate is 1 - 0.99 (1 + cos(pi k / (warmup + 1))) / 2 of itself for k = 0 .. warmup - 1;  then Adam, and w <- w - learning_rate weight_decay w of what came out',
  reference:
    'Huang et al. 2025 (SPAM), Algorithm 1; TianjinYellow/SPAM-Optimizer without sparse moments (the corrections of m and v go on counting from the first step; epsilon is added to the root of v itself)',
  cost: 'Adam + R',
  scope: 'element',
  options: z.strictObject({
    ...momentOptions(1e-6),
    theta: z
      .number()
      .positive()
      .default(5000)
      .meta({
        description: "how many times the running mean of its square an entry's square may be",
        role: 'numeric',
        threshold: true,
        search: { min: 50, max: 1e4, scale: 'log' },
      }),
    reset_every: z
      .int()
      .positive()
      .default(500)
      .meta({ description: 'steps after which both running means begin at 0 again', role: 'numeric' }),
    warmup: z
      .int()
      .min(0)
      .default(150)
      .meta({ description: 'steps after a reset in which the rate comes back', role: 'numeric' }),
    clip_from: z
      .int()
      .min(0)
      .default(20)
      .meta({ description: 'steps after a reset from which entries are clipped', role: 'numeric' }),
    weight_decay: weightDecayOption(
      0,
      'share of the weights that is taken off after the step, times the learning rate',
    ),
    semantics: z.enum(['safe', 'official']).default('safe').meta({
      description:
        'safe: an entry whose gradient was 0 so far is not clipped; official: it is, to 0, and stays there as long as entries are clipped',
      role: 'structural',
    }),
  }),
  derive: momentConstants,
  make: ({ weight_decay: hasDecay, semantics }) => ({
    init: (params) => ({ ...newMoments(params), ...join({ schedule: { step: tf.scalar(0) } }) }),
    update(grads, state, { params, options, learning_rate }) {
      const { theta, reset_every, warmup, clip_from, epsilon, weight_decay } = options;
      const step = pick(state, 'schedule.step').add(1);
      const sinceReset = step.mod(reset_every);

      // Roots are compared, not squares, which overflow. A bound made of a mean square of 0 would hold for ever.
      const bounds = mapTensors(group(state, 'square'), (v) => v.mul(theta).sqrt());
      const isClipping = sinceReset.greaterEqual(clip_from);
      const isSpike = mapTensors(grads, (g, name) => {
        const bound = pick(bounds, name);
        const isBeyond = tf.logicalAnd(g.abs().greater(bound), isClipping);
        return semantics === 'official' ? isBeyond : tf.logicalAnd(isBeyond, bound.greater(0));
      });
      const clipped = mapTensors(grads, (g, name) => tf.where(pick(isSpike, name), sign(g).mul(pick(bounds, name)), g));

      const isReset = sinceReset.equal(0);
      const forgotten = mapTensors(state, (mean, name) =>
        /^(mean|square)\./.test(name) ? tf.where(isReset, tf.zerosLike(mean), mean) : mean,
      );
      const moments = nextMoments(clipped, forgotten, options);

      const isComingBack = tf.logicalAnd(step.greaterEqual(reset_every), sinceReset.less(warmup));
      const missing = sinceReset
        .mul(Math.PI)
        .div(warmup.add(1))
        .cos()
        .add(1)
        .mul(0.99 / 2);
      const rateFactor = tf.where(isComingBack, tf.sub(1, missing), 1).asScalar();
      const rate = learning_rate.mul(rateFactor).neg().asScalar();
      // Of the uncorrected root: normalizedMean takes epsilon as that of the corrected one.
      const ownEpsilon = epsilon.div(pick(moments.seen, 'square').sqrt()).asScalar();
      const steps = normalizedMean(moments, ownEpsilon, rate);
      const decay = learning_rate.mul(weight_decay);
      return {
        grads: hasDecay ? mapTensors(steps, (s, name) => s.sub(s.add(pick(params, name)).mul(decay))) : steps,
        state: join({ ...moments, schedule: { step } }),
        info: { clipped_fraction: shareOf(Object.values(isSpike)), threshold: theta, rate_factor: rateFactor },
      };
    },
  }),
};
