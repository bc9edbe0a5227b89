/** Counting what a strategy touched. */
import * as tf from '@tensorflow/tfjs';

/** Share of what is true in masks, which have an entry for each entry, unit or tensor of the gradient. */
export const shareOf = (masks: tf.Tensor[]): tf.Scalar =>
  tf
    .addN(masks.map((mask) => mask.sum()))
    .toFloat()
    .div(masks.reduce((n, { size }) => n + size, 0))
    .asScalar();

/** Where a gradient isn't what it was times a factor that is 1 but for roundings. */
export const isChange = (factors: tf.Tensor): tf.Tensor => factors.sub(1).abs().greater(1e-6);
