import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { isChange, shareOf } from '../clipping/touched.ts';
import { groupNorms, normOf, resized } from '../norms.ts';
import { group, join, mapTensors, named, pick } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';
import {
  blend,
  decayOption,
  type MomentNumbers,
  momentConstants,
  momentOptions,
  newMoments,
  nextMoments,
  normalizedMean,
} from '../updates/moments.ts';
import { weightDecayOption, withDecay } from '../updates/weight-decay.ts';

type Structure = { semantics: 'safe' | 'before_use' | 'official'; weight_decay: boolean };
type Decay = 'theta' | 'gamma1' | 'gamma2';
type Numbers = MomentNumbers | Decay | `one_minus_${Decay}` | 'reset_every' | 'weight_decay';

/** Added to the root of the mean square of the norms. */
const EPSILON = 1e-8;

export const stable_spam: TransformPart<Structure, Numbers> = {
  name: 'stable_spam',
  summary:
    "Adam on gradients whose entries are clipped to the running mean of their tensor's largest, and whose norms are smoothed.",
  equation:
    'M <- theta M + (1-theta) max |g|;  |g_i| > M^: g_i <- g_i M^ / max |g|;  a, b: running means of ||g|| and ||g||^2;  g <- (g / ||g||) a^ / (sqrt(b^) + 1e-8), by tensor;  every reset_every steps: m, v <- 0;  then adamw',
  reference:
    'Huang et al. 2025 (Stable-SPAM), Algorithm 1; TianjinYellow/StableSPAM without the growth of gamma1 and beta1',
  cost: 'Adam + 4R + 2W',
  scope: 'element',
  options: z.strictObject({
    ...momentOptions(1e-8),
    theta: decayOption('the largest entries', 0.999),
    gamma1: decayOption('the norms', 0.7),
    gamma2: decayOption("the norms' squares", 0.9),
    reset_every: z.int().min(2).default(1000).meta({
      description: 'steps after which the running means of the gradient and its square begin at 0 again',
      role: 'numeric',
    }),
    semantics: z.enum(['safe', 'before_use', 'official']).default('safe').meta({
      description:
        'safe: a reset leaves M, a and b alone; before_use: after it they are corrected as if they were new, so that for some steps hardly anything is clipped; official: also, the step of a reset still takes the old m and v, as TianjinYellow/StableSPAM',
      role: 'structural',
    }),
    weight_decay: weightDecayOption(0, 'share of the weights that is taken off, times the learning rate'),
  }),
  derive: (options) => ({
    ...momentConstants(options),
    one_minus_theta: 1 - Number(options.theta),
    one_minus_gamma1: 1 - Number(options.gamma1),
    one_minus_gamma2: 1 - Number(options.gamma2),
  }),
  make: ({ semantics, weight_decay: hasDecay }) => ({
    init(params) {
      const zeros = () => tf.zeros([Object.keys(params).length]);
      return {
        ...newMoments(params),
        ...join<tf.Tensor>({
          // By tensor: M, a and the root of b, whose squares would overflow.
          spike: { largest: zeros(), norm: zeros(), norm_rms: zeros() },
          seen_spike: { largest: tf.scalar(0), norm: tf.scalar(0), square: tf.scalar(0) },
          schedule: { step: tf.scalar(0) },
        }),
      };
    },
    update(grads, state, { params, options, learning_rate }) {
      const { theta, gamma1, gamma2, one_minus_theta, one_minus_gamma1, one_minus_gamma2 } = options;
      const step = pick(state, 'schedule.step').add(1);
      const sinceReset = step.mod(options.reset_every);
      const isReset = sinceReset.equal(0);
      const wasReset = tf.logicalAnd(sinceReset.equal(1), step.greater(options.reset_every));
      const before = {
        ...state,
        ...zeroWhere(isReset, state, /^seen\./),
        ...zeroWhere(semantics === 'official' ? wasReset : isReset, state, /^(mean|square)\./),
      };
      const old = group(before, 'spike');
      const seenOf = (name: string, decay: tf.Scalar, rest: tf.Scalar) => {
        const sofar = pick(before, `seen_spike.${name}`);
        return blend(semantics === 'safe' ? sofar : tf.where(wasReset, rest, sofar), decay, tf.scalar(1), rest);
      };
      const seen = {
        largest: seenOf('largest', theta, one_minus_theta),
        norm: seenOf('norm', gamma1, one_minus_gamma1),
        square: seenOf('square', gamma2, one_minus_gamma2),
      };

      const largestNow = tf.stack(Object.values(grads).map((g) => g.abs().max()));
      const largest = blend(pick(old, 'largest'), theta, largestNow, one_minus_theta);
      const limit = largest.div(seen.largest);
      const limits = named(grads, limit.unstack());
      const factors = named(grads, limit.div(largestNow).unstack());
      const isSpike = mapTensors(grads, (g, name) => g.abs().greater(pick(limits, name)));
      const clipped = mapTensors(grads, (g, name) => tf.where(pick(isSpike, name), g.mul(pick(factors, name)), g));

      const groups = Object.values(clipped).map((g) => [g]);
      const norms = groupNorms(groups);
      const norm = blend(pick(old, 'norm'), gamma1, norms, one_minus_gamma1);
      const norm_rms = hypot(pick(old, 'norm_rms').mul(gamma2.sqrt()), norms.mul(one_minus_gamma2.sqrt()));
      const lengths = norm.div(seen.norm).div(norm_rms.div(seen.square.sqrt()).add(EPSILON));
      const smoothed = resized(groups, () => lengths).groups.flat();

      const moments = nextMoments(named(grads, smoothed), before, options);
      const rate = learning_rate.neg().asScalar();
      const update = normalizedMean(moments, options.epsilon, rate);
      // In the first step the limit is the largest entry itself, but for roundings.
      const isClipped = mapTensors(isSpike, (mask, name) => tf.logicalAnd(mask, isChange(pick(factors, name))));
      return {
        grads: withDecay(update, params, rate.mul(options.weight_decay), hasDecay),
        state: join<tf.Tensor>({
          ...moments,
          spike: { largest, norm, norm_rms },
          seen_spike: seen,
          schedule: { step },
        }),
        info: {
          clipped_fraction: shareOf(Object.values(isClipped)),
          // Every tensor has its own.
          threshold: limit.max().asScalar(),
          smoothed_norm: normOf([lengths]),
        },
      };
    },
  }),
};

/** Those of the tensors whose names match, as zeros where `when` holds. */
const zeroWhere = (when: tf.Tensor, tensors: Tensors, names: RegExp): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, t]) =>
      names.test(name) ? [[name, tf.where(when, tf.zerosLike(t), t)]] : [],
    ),
  );

/** sqrt(a^2 + b^2) of numbers from 0 on, without squares that overflow. */
function hypot(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [longer, shorter] = [tf.maximum(a, b), tf.minimum(a, b)];
  return longer.mul(shorter.divNoNan(longer).square().add(1).sqrt());
}
