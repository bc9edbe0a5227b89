/** A mean that follows what comes. */
import * as tf from '@tensorflow/tfjs';

/**
 * mean + share (fresh - mean). Written so, and not as a sum of two shares, a mean stays exactly where it is among equal values.
 */
export const towards = (mean: tf.Tensor, fresh: tf.Tensor | number, share: tf.Tensor): tf.Tensor =>
  mean.add(tf.sub(fresh, mean).mul(share));
