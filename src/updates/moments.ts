/** Running means of the gradient and of its square, as Adam and its relatives keep them (Kingma & Ba 2015, Algorithm 1). */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { group, join, mapTensors, pick, zerosLike } from '../tensors.ts';
import type { Options, Tensors } from '../types.ts';

/** Option: the share of a running mean that is kept from step to step. */
export const decayOption = (of: string, fallback: number) =>
  z
    .number()
    .min(0)
    .lt(1)
    .default(fallback)
    .meta({ description: `decay of the running mean of ${of}`, role: 'numeric' });

/** Option: what is added to a root that may be 0. */
export const epsilonOption = (fallback: number) =>
  z.number().positive().default(fallback).meta({ description: 'keeps the quotient finite', role: 'numeric' });

/** The options of Adam, to be spread into those of its relatives. */
export const momentOptions = (epsilon: number) => ({
  beta1: decayOption('the gradient', 0.9),
  beta2: decayOption("the gradient's square", 0.999),
  epsilon: epsilonOption(epsilon),
});

/** Numeric options and derived constants that the functions below read. */
export type MomentNumbers = 'beta1' | 'beta2' | 'epsilon' | 'one_minus_beta1' | 'one_minus_beta2';

export const momentConstants = ({ beta1, beta2 }: Options) => ({
  one_minus_beta1: 1 - Number(beta1),
  one_minus_beta2: 1 - Number(beta2),
});

/**
 * `mean` and `square` by parameter. The scalars `seen.mean` and `seen.square` follow the same recurrences with 1 in place
 * of the gradient. So they are 1 - beta^t, the corrections, without the cancellation of computing them as such in float32.
 */
export type Moments = { mean: Tensors; square: Tensors; seen: Tensors };

/** beta old + (1-beta) fresh */
export const blend = (old: tf.Tensor, beta: tf.Scalar, fresh: tf.Tensor, oneMinusBeta: tf.Scalar): tf.Tensor =>
  old.mul(beta).add(fresh.mul(oneMinusBeta));

/** The state of a transform before its first step: `join` of moments that have seen nothing. */
export const newMoments = (params: Tensors): Tensors =>
  join<tf.Tensor>({
    mean: zerosLike(params),
    square: zerosLike(params),
    seen: { mean: tf.scalar(0), square: tf.scalar(0) },
  });

/** The moments after one more gradient; `state` is `join` of those before. */
export function nextMoments(grads: Tensors, state: Tensors, options: Record<MomentNumbers, tf.Scalar>): Moments {
  const { beta1, beta2, one_minus_beta1, one_minus_beta2 } = options;
  const previous = { mean: group(state, 'mean'), square: group(state, 'square'), seen: group(state, 'seen') };
  const one = tf.scalar(1);
  return {
    mean: mapTensors(grads, (g, name) => blend(pick(previous.mean, name), beta1, g, one_minus_beta1)),
    square: mapTensors(grads, (g, name) => blend(pick(previous.square, name), beta2, g.square(), one_minus_beta2)),
    seen: {
      mean: blend(pick(previous.seen, 'mean'), beta1, one, one_minus_beta1),
      square: blend(pick(previous.seen, 'square'), beta2, one, one_minus_beta2),
    },
  };
}

/**
 * factor m^ / (sqrt(v^) + epsilon): the corrected mean over the root of the corrected mean square. Both corrections are
 * moved into scalars, for fewer passes over the parameters.
 */
export function normalizedMean({ mean, square, seen }: Moments, epsilon: tf.Scalar, factor: tf.Scalar): Tensors {
  const correction = pick(seen, 'square').sqrt();
  const rate = factor.mul(correction).div(pick(seen, 'mean'));
  return mapTensors(mean, (m, name) => m.div(pick(square, name).sqrt().add(epsilon.mul(correction))).mul(rate));
}
