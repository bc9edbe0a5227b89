import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { group, join, mapTensors, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { type MomentNumbers, momentConstants, momentOptions, newMoments, nextMoments } from '../updates/moments.ts';

export const nadam: TransformPart<Record<string, never>, MomentNumbers | 'momentum_decay' | 'warm_up_rate'> = {
  name: 'nadam',
  summary: 'Adam with Nesterov momentum, whose share grows from about beta1 / 2 to beta1.',
  equation:
    "mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2);  w <- w - learning_rate (mu' m / (1 - mu' prod mu) + (1-mu) g / (1 - prod mu)) / (sqrt(v^) + epsilon), where mu' is the next mu",
  reference:
    'Dozat 2016, Algorithm 8; torch.optim.NAdam (m and v as in Adam, with beta1 throughout; with momentum_decay 1 as keras.optimizers.Nadam)',
  options: z.strictObject({
    ...momentOptions(1e-8),
    momentum_decay: z
      .number()
      .min(0)
      .default(0.004)
      .meta({ description: 'how fast the momentum grows to beta1', role: 'numeric' }),
  }),
  derive: (options) => ({
    ...momentConstants(options),
    // 0.96^(t momentum_decay) = exp(-t warm_up_rate)
    warm_up_rate: -Math.log(0.96) * Number(options.momentum_decay),
  }),
  make: () => ({
    // `schedule.seen` is 1 - prod mu, as `seen` is 1 - beta^t in Adam.
    init: (params) => ({ ...newMoments(params), ...join({ schedule: { step: tf.scalar(0), seen: tf.scalar(0) } }) }),
    update(grads, state, { options, learning_rate }) {
      const moments = nextMoments(grads, state, options);
      const previous = group(state, 'schedule');
      const step = pick(previous, 'step').add(1);
      const now = momentum(step, options);
      const next = momentum(step.add(1), options);
      const seen = now.rest.add(now.mu.mul(pick(previous, 'seen')));
      const seenNext = next.rest.add(next.mu.mul(seen));

      const correction = pick(moments.seen, 'square').sqrt();
      const rate = learning_rate.neg().mul(correction);
      const ofGradient = rate.mul(now.rest).div(seen);
      const ofMean = rate.mul(next.mu).div(seenNext);
      const epsilon = options.epsilon.mul(correction);
      const update = mapTensors(grads, (g, name) => {
        const direction = g.mul(ofGradient).add(pick(moments.mean, name).mul(ofMean));
        return direction.div(pick(moments.square, name).sqrt().add(epsilon));
      });
      return { grads: update, state: join({ ...moments, schedule: { step, seen } }) };
    },
  }),
};

/** mu of a step counted from 1, and 1 - mu as a sum: the difference would cancel. */
function momentum(
  step: tf.Tensor,
  { beta1, one_minus_beta1, warm_up_rate }: Record<'beta1' | 'one_minus_beta1' | 'warm_up_rate', tf.Scalar>,
): { mu: tf.Tensor; rest: tf.Tensor } {
  const missing = step.neg().mul(warm_up_rate).exp().mul(0.5);
  return { mu: beta1.mul(tf.sub(1, missing)), rest: one_minus_beta1.add(beta1.mul(missing)) };
}
