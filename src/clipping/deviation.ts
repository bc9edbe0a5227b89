/** Mean and standard deviation of the values in a vector that are counted. Squares that overflow are no trouble. */
import * as tf from '@tensorflow/tfjs';
import { normOf } from '../norms.ts';

/**
 * Of a sample: the squares are divided by `count` - 1.
 *
 * @param isCounted mask over `values`
 * @param count how many of them it counts; below 2 both results mean nothing
 */
export function meanAndDeviation(values: tf.Tensor, isCounted: tf.Tensor, count: tf.Tensor) {
  const zeros = tf.zerosLike(values);
  const mean = tf.where(isCounted, values.div(count), zeros).sum();
  const differences = tf.where(isCounted, values.sub(mean), zeros);
  return { mean, deviation: normOf([differences]).div(count.sub(1).sqrt()) };
}
