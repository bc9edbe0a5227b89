import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { meanAndDeviation } from '../clipping/deviation.ts';
import { counted, filled, isNext, isWritten } from '../clipping/ring.ts';
import { normOf, plainNorm } from '../norms.ts';
import { pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const skip_spike: TransformPart<{ window: number; semantics: 'safe' | 'olmo' }, 'sigma'> = {
  name: 'skip_spike',
  summary: 'Leaves out steps whose loss or gradient norm lies far above the latest ones.',
  equation:
    'skip where loss - mean(losses) > sigma std(losses) or ||g|| - mean(norms) > sigma std(norms), over the window before this step',
  reference:
    'SkipStepOptimizer of allenai/OLMo-core; after the skipped data of Chowdhery et al. 2022 (PaLM), section 5.1',
  scope: 'step',
  cost: 'R',
  options: z.strictObject({
    sigma: z
      .number()
      .positive()
      .default(6)
      .meta({
        description: 'standard deviations above the mean from which a step is left out',
        role: 'numeric',
        threshold: true,
        search: { min: 2, max: 10, scale: 'linear' },
      }),
    window: z.int().min(2).max(1_000_000).default(128).meta({
      description: 'latest losses and norms that are looked at, left-out steps among them; half of it is waited for',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'olmo']).default('safe').meta({
      description:
        'safe: what is not finite never enters the windows; olmo: it does, and all steps are left out until it is out of them again',
      role: 'structural',
    }),
  }),
  make: ({ window, semantics }) => ({
    init: () => ({ losses: tf.zeros([window]), norms: tf.zeros([window]), count: tf.scalar(0) }),
    update(grads, state, { options: { sigma }, loss }) {
      const [losses, norms, count] = [pick(state, 'losses'), pick(state, 'norms'), pick(state, 'count')];
      const isSafe = semantics === 'safe';
      const list = Object.values(grads);
      const norm = isSafe ? normOf(list) : plainNorm(list);

      const isCounted = isWritten(losses, count);
      const before = [losses, norms].map((ring) => meanAndDeviation(ring, isCounted, filled(ring, count)));
      // A single value has no deviation: OLMo-core leaves out the step after it.
      const least = Math.max(isSafe ? 2 : 1, Math.floor(window / 2) - 1);
      const isActive = count.greaterEqual(least);
      // Not `greater`, so that NaN is a spike.
      const isCalm = before.map(({ mean, deviation }, i) =>
        (i === 0 ? loss : norm).sub(mean).lessEqual(deviation.mul(sigma)),
      );
      const skip = tf.logicalAnd(isActive, tf.logicalNot(tf.stack(isCalm).all())).asScalar();

      const isKept = isSafe ? tf.logicalAnd(loss.isFinite(), norm.isFinite()) : tf.onesLike(skip);
      const here = isNext(losses, count, isKept);
      const [lossLimit = loss, normLimit = norm] = before.map(({ mean, deviation }) =>
        tf.where(isActive, mean.add(deviation.mul(sigma)), Number.POSITIVE_INFINITY).asScalar(),
      );
      return {
        grads,
        state: {
          losses: tf.where(here, loss, losses),
          norms: tf.where(here, norm, norms),
          count: counted(count, isKept),
        },
        skip,
        info: { clipped_fraction: skip.toFloat().asScalar(), threshold: normLimit, loss_limit: lossLimit },
      };
    },
  }),
};
