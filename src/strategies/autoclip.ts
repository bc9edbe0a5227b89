import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { clipByNorm, normRules } from '../clipping/norm_rules.ts';
import { type Interpolation, newHistory, percentile, withValue } from '../clipping/percentile.ts';
import { isChange, shareOf } from '../clipping/touched.ts';
import { normOf, plainNorm, shortened } from '../norms.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const autoclip: TransformPart<
  { window: number; percentile_interpolation: Interpolation; semantics: 'safe' | 'torch' | 'tf' },
  'fraction'
> = {
  name: 'autoclip',
  summary: 'Clips the global norm to a percentile of the norms so far, the newest among them.',
  equation: 'c = percentile of (||g_1||, ..., ||g_t||);  g <- g * min(1, c / ||g||)',
  reference: 'Seetharaman et al. 2020 (AutoClip), Algorithm 1; pseeth/autoclip',
  scope: 'global',
  cost: '2R + W, and sorting the norms',
  options: z.strictObject({
    percentile: z
      .number()
      .min(0)
      .max(100)
      .default(10)
      .meta({
        description: 'share of the norms, in percent, that is not clipped; 100 clips nothing',
        role: 'numeric',
        threshold: true,
        search: { min: 1, max: 95, scale: 'linear' },
      }),
    window: z.int().min(1).max(1_000_000).default(10_000).meta({
      description:
        "how many of the latest norms count; the paper's, all of them, with as many as there are steps. Each step passes over the whole window",
      role: 'structural',
    }),
    percentile_interpolation: z.enum(['linear', 'nearest']).default('linear').meta({
      description:
        'between two norms: on the line from one to the other (numpy, the paper), or the nearer one (TensorFlow Probability)',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'torch', 'tf']).default('safe').meta({
      description:
        'safe: the norm never overflows, and norms that are not finite are not remembered; torch: as pseeth/autoclip, where one NaN makes every later gradient NaN and c / (||g|| + 1e-6) shrinks a little at the threshold; tf: its version for TensorFlow, which clips every tensor by itself to the percentile of the global norms',
      role: 'structural',
    }),
  }),
  derive: ({ percentile: percent }) => ({ fraction: Number(percent) / 100 }),
  make: ({ window, percentile_interpolation, semantics }) => ({
    init: () => newHistory(window),
    update(grads, state, { options: { fraction } }) {
      const list = Object.values(grads);
      const norm = semantics === 'safe' ? normOf(list) : plainNorm(list);
      const isKept = semantics === 'safe' ? norm.isFinite() : tf.scalar(true, 'bool');
      const history = withValue(state, norm, isKept);
      const among = percentile(history, fraction, percentile_interpolation);
      const info = (threshold: tf.Scalar) => ({
        clipped_fraction: norm.greater(threshold).toFloat().asScalar(),
        threshold,
      });
      if (semantics === 'safe') {
        const { groups } = shortened([list], among);
        return { grads: named(grads, groups.flat()), state: history, info: info(among) };
      }
      const limit = tf.where(pick(history, 'ring').isNaN().any(), Number.NaN, among).asScalar();
      if (semantics === 'tf') {
        const factors = list.map((g) => clipByNorm(plainNorm([g]), limit));
        return {
          grads: named(
            grads,
            list.map((g, i) => g.mul(factors[i] ?? 1)),
          ),
          state: history,
          info: { clipped_fraction: shareOf(factors.map(isChange)), threshold: limit },
        };
      }
      const factor = normRules.torch(norm, limit);
      return { grads: mapTensors(grads, (g) => g.mul(factor)), state: history, info: info(limit) };
    },
  }),
};
