/** A regularizer for recurrent weights, as a gradient that back-propagation adds to its own. */
import * as tf from '@tensorflow/tfjs';

/** A gradient whose largest entry is below this (float32's smallest normal number) counts as none. */
const SMALLEST = 1.1754943508222875e-38;

/**
 * The gradient by U of Omega (Pascanu, Mikolov & Bengio 2013, eq. 9), which asks that a gradient keep its length on its way
 * back in time:
 *
 * Omega = sum over k < T of (|(dz_(k+1) U^T) f'(z_k)| / |dz_(k+1)| - 1)^2,  z_k being what the activation f is taken of and
 * dz_k the gradient of the loss by it; for each example by itself, and the mean of that over the batch.
 *
 * As in eq. 10 it is the immediate derivative: z and dz count as constants. Where dz_(k+1) is zero, or all that comes of it
 * is, there is no term. (The authors' program, trainingRNNs, takes squared lengths, and the mean over k.)
 *
 * @param u U, [width, width]
 * @param slopes f'(z), [time, batch, width]
 * @param dz [time, batch, width]
 * @returns [width, width]
 */
export function omegaGradient(u: tf.Tensor, slopes: tf.Tensor, dz: tf.Tensor): tf.Tensor {
  const [time = 0, batch = 0, width = 0] = dz.shape;
  if (time === 1) return tf.zerosLike(u);
  const rows = (h: tf.Tensor, from: number) => h.slice([from, 0, 0], [time - 1, -1, -1]).reshape([-1, width]);
  const [slope, later] = [rows(slopes, 0), rows(dz, 1)];
  // Vanishing gradients are what this is for: squared as they are they would be 0.
  const largest = later.abs().max(1, true);
  const present = largest.greaterEqual(SMALLEST);
  const one = tf.onesLike(largest);
  const scaled = later.div(tf.where(present, largest, one));
  const unit = scaled.div(tf.where(present, lengths(scaled), one));
  const carried = unit.matMul(u.transpose()).mul(slope);
  const ratio = lengths(carried);
  const counts = tf.logicalAnd(present, ratio.greater(0));
  const factor = tf.where(
    counts,
    ratio
      .sub(1)
      .mul(2 / batch)
      .div(tf.where(counts, ratio, one)),
    tf.zerosLike(ratio),
  );
  return carried.mul(slope).mul(factor).matMul(unit, true);
}

/** Of each row, [rows, 1]. */
function lengths(rows: tf.Tensor): tf.Tensor {
  return rows.square().sum(1, true).sqrt();
}
