/**
 * The latest values of a scalar, in a vector in which each overwrites the oldest. `count` is how many were written in all,
 * and the same for rings that are written together.
 */
import * as tf from '@tensorflow/tfjs';

/** Where the next value goes; nowhere unless `isKept`. */
export function isNext(ring: tf.Tensor, count: tf.Tensor, isKept: tf.Tensor): tf.Tensor {
  return tf.logicalAnd(tf.range(0, ring.size).equal(count.mod(ring.size)), isKept);
}

/** Where values are that were written. */
export const isWritten = (ring: tf.Tensor, count: tf.Tensor): tf.Tensor => tf.range(0, ring.size).less(count);

/** How many these are. */
export const filled = (ring: tf.Tensor, count: tf.Tensor): tf.Tensor => tf.minimum(count, ring.size);

/** `count` after one more value, if it is kept. */
export const counted = (count: tf.Tensor, isKept: tf.Tensor): tf.Tensor => count.add(isKept.toFloat());
