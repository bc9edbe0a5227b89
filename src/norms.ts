/** L2 norms that neither overflow nor underflow: of a float32 square, 1e20 is Infinity and 1e-23 is 0. */
import * as tf from '@tensorflow/tfjs';

/** norms = scale * rest, and rows = scale * scaled, with `scaled` and `rest` in a range where nothing overflows. */
export interface RowNorms {
  /** [k]. Infinity and NaN come out as themselves, rows of zeros as 0. */
  norms: tf.Tensor1D;
  /** The rows divided by their largest absolute value, [k, n]. */
  scaled: tf.Tensor2D;
  /** Norms of the scaled rows, [k]: between 1 and sqrt(n), 0 for zeros. */
  rest: tf.Tensor1D;
}

/** Norm of each row of [k, n]: max * sqrt(sum((x / max)^2)). */
export function rowNorms(rows: tf.Tensor2D): RowNorms {
  const max = rows.abs().max(1, true);
  // A row of zeros, or one that holds Infinity or NaN, is left as it is: dividing would turn 0 and Infinity into NaN.
  const scale = tf.where(tf.logicalAnd(max.greater(0), max.less(Number.POSITIVE_INFINITY)), max, tf.onesLike(max));
  const scaled: tf.Tensor2D = rows.div(scale);
  const rest = scaled.square().sum(1).sqrt().as1D();
  return { norms: rest.mul(scale.squeeze([1])).as1D(), scaled, rest };
}

/** Norm of one tensor, as a scalar. */
export function safeNorm(tensor: tf.Tensor): tf.Scalar {
  return rowNorms(tensor.as2D(1, tensor.size)).norms.asScalar();
}

/**
 * A tensor at most `length` long in the same direction, and its norm before. Where it is short enough it stays as it is,
 * bit for bit; NaN stays NaN. Right for every finite tensor, also where norm or length / norm leave float32's range.
 */
export function shortened(tensor: tf.Tensor, length: tf.Scalar): { tensor: tf.Tensor; norm: tf.Scalar } {
  const { norms, scaled, rest } = rowNorms(tensor.as2D(1, tensor.size));
  const short = scaled.mul(length.div(rest)).reshape(tensor.shape);
  const norm = norms.asScalar();
  return { tensor: tf.where(norm.greater(length), short, tensor), norm };
}
