/** Gradients of single examples, [examples, ...shape] for each parameter: their norms, and means in which each has a factor. */
import * as tf from '@tensorflow/tfjs';
import { lazyWhere } from '../lazy.ts';
import { factorsOf, formed } from '../outer.ts';
import { mapTensors, named } from '../tensors.ts';
import type { Noise, Tensors } from '../types.ts';

/** Norms beyond these may have lost more than rounding: squares below 1e-38 count as 0, and those above 1e38 as Infinity. */
const SMALLEST = 1e-10;
const LARGEST = 1e18;
/** Factors whose products with entries of a gradient are in range. */
const SMALLEST_FACTOR = 1e-18;
const LARGEST_FACTOR = 1e18;

/** How many examples there are. */
export function countOf(grads: Tensors): number {
  const [first] = Object.values(grads);
  return first?.shape[0] ?? 0;
}

/** L2 norm of every example over all tensors, [examples], as its definition has it: squares may overflow and underflow. */
export function plainNorms(grads: Tensors): tf.Tensor {
  return tf.addN(Object.values(grads).map(squaresOf)).sqrt();
}

/** Sums of squares, [examples]. Of an outer product the norm is that of one factor times that of the other. */
function squaresOf(g: tf.Tensor): tf.Tensor {
  const factors = factorsOf(g);
  if (factors === undefined) return rows(g).square().sum(1);
  return scaledNorms(factors.left).mul(scaledNorms(factors.right)).square();
}

/** Of each row: a factor may be far from 1 where the product isn't. */
function scaledNorms(vectors: tf.Tensor): tf.Tensor {
  const largest = vectors.abs().max(1, true);
  const scale = tf.where(largest.greater(0), largest, tf.onesLike(largest));
  return vectors.div(scale).square().sum(1).sqrt().mul(scale.flatten());
}

/** The mean over examples, each times its factor, [examples]. */
export function weightedMean(grads: Tensors, factors: tf.Tensor): Tensors {
  const count = countOf(grads);
  const shares = factors.div(count);
  return mapTensors(grads, (g) => {
    const outer = factorsOf(g);
    return outer === undefined
      ? shares.reshape([1, count]).matMul(rows(g)).reshape(g.shape.slice(1))
      : outer.left.mul(shares.reshape([count, 1])).matMul(outer.right, true);
  });
}

/** The mean over examples. */
export const meanOf = (grads: Tensors): Tensors => weightedMean(grads, tf.ones([countOf(grads)]));

export interface Scaled {
  mean: Tensors;
  /** Before, [examples]. */
  norms: tf.Tensor1D;
  /** On each example, [examples]. */
  factors: tf.Tensor1D;
}

/** The mean over examples of which each has the factor that `factorOf` makes of its norm, as other systems compute it. */
export function scaledMean(grads: Tensors, factorOf: (norms: tf.Tensor) => tf.Tensor): Scaled {
  const norms = plainNorms(grads);
  const factors = factorOf(norms);
  return { mean: weightedMean(grads, factors), norms: norms.as1D(), factors: factors.as1D() };
}

/**
 * The mean over examples of which each keeps its direction and becomes as long as `lengthOf` makes of its norm. An example of zeros
 * stays, and so does what is NaN. Right for every finite gradient, also where a norm or a factor leaves float32's range.
 */
export function resizedMean(grads: Tensors, lengthOf: (norms: tf.Tensor) => tf.Tensor): Scaled {
  const { scale, rest } = normsOf(grads);
  const norms = rest.mul(scale);
  const lengths = lengthOf(norms);
  const isOther = tf.logicalAnd(norms.greater(0), lengths.notEqual(norms));
  const factors = tf.where(isOther, lengths.div(norms), tf.onesLike(norms));
  const isInRange = tf.logicalAnd(factors.greaterEqual(SMALLEST_FACTOR), factors.lessEqual(LARGEST_FACTOR));
  // A factor of 0 is meant where the length is 0; else it stands for a length divided by Infinity.
  const isRight = tf.logicalOr(isInRange, lengths.equal(0)).all();
  const mean = lazyWhere(
    tf.logicalNot(isRight),
    () => {
      const unit = mapTensors(grads, (g) =>
        rows(formed(g))
          .div(scale.reshape([-1, 1]))
          .reshape(g.shape),
      );
      return Object.values(weightedMean(unit, tf.where(isOther, lengths.div(rest), scale)));
    },
    Object.values(weightedMean(grads, factors)),
  );
  return { mean: named(grads, mean), norms: norms.as1D(), factors: factors.as1D() };
}

/** Norms as scale * rest, [examples] each: where a norm overflows, both are still in range. */
function normsOf(grads: Tensors): { scale: tf.Tensor; rest: tf.Tensor } {
  const plain = plainNorms(grads);
  const ones = tf.onesLike(plain);
  // A comparison with NaN never holds.
  const isPlain = tf.logicalAnd(plain.greater(SMALLEST), plain.less(LARGEST));
  const [scale = ones, rest = plain] = lazyWhere(tf.logicalNot(isPlain.all()), () => {
    const entries = mapTensors(grads, (g) => rows(formed(g)));
    const largest = tf.stack(Object.values(entries).map((g) => g.abs().max(1))).max(0);
    const isUsable = tf.logicalAnd(largest.greater(0), largest.less(Number.POSITIVE_INFINITY));
    // No norm changes, not even in its last bit, because another needs care.
    const own = tf.where(tf.logicalAnd(tf.logicalNot(isPlain), isUsable), largest, ones);
    const unit = plainNorms(mapTensors(entries, (g) => g.div(own.reshape([-1, 1]))));
    return [own, tf.where(isPlain, plain, unit)];
  }, [ones, plain]);
  return { scale, rest };
}

/** The mean with normal noise: of deviation `deviation` on the sum over `count` examples. */
export function withNoise(mean: Tensors, normal: Noise, deviation: tf.Tensor, count: number): Tensors {
  const share = deviation.div(count);
  return mapTensors(mean, (g, name) => g.add(normal(name, g.shape).mul(share)));
}

/** [examples, entries] */
const rows = (g: tf.Tensor): tf.Tensor2D => g.reshape([g.shape[0] ?? 0, -1]);
