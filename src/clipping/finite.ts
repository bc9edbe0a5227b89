/** What may go into a state: one NaN or Infinity would stay there for ever. */
import * as tf from '@tensorflow/tfjs';

/** `fresh` where it is finite, else `old`. */
export const finiteOr = (old: tf.Tensor, fresh: tf.Tensor): tf.Tensor => tf.where(fresh.isFinite(), fresh, old);

/** Norms that are finite and above 0: a bound that follows them would, at 0, let nothing pass again. */
export const isUsable = (norms: tf.Tensor): tf.Tensor => tf.logicalAnd(norms.greater(0), norms.isFinite());
