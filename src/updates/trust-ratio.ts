/** How far a tensor may trust an update: in proportion to its own norm (You et al. 2017, 2020). */
import * as tf from '@tensorflow/tfjs';
import { normOf } from '../norms.ts';

/**
 * coefficient ||w|| / ||u||; 1 where either norm is 0, as in optax.scale_by_trust_ratio. It is 1 too where the quotient
 * leaves float32's range: times an update of 0 it would be NaN.
 */
export function trustRatio(w: tf.Tensor, u: tf.Tensor, coefficient: tf.Scalar): tf.Scalar {
  const ratio = normOf([w])
    .div(normOf([u]))
    .mul(coefficient);
  const isUsable = tf.logicalAnd(ratio.greater(0), ratio.less(Number.POSITIVE_INFINITY));
  return tf.where(isUsable, ratio, tf.onesLike(ratio)).asScalar();
}
