/** Steps of one size: what is left of a gradient is where it points, entry by entry. */
import * as tf from '@tensorflow/tfjs';

/** The sign, and NaN of NaN: the kernels of wasm and cpu say 0, and a run that has diverged would look well. */
export const sign = (x: tf.Tensor): tf.Tensor => tf.where(x.isNaN(), x, x.sign());
