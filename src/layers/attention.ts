/** Self-attention of the times of a sequence, each to itself and those before it. */
import * as tf from '@tensorflow/tfjs';

/**
 * softmax(q k^T / sqrt(width / heads) + M) v for each head, M being -Infinity where a time would look ahead and 0 elsewhere
 * (Vaswani et al. 2017, 3.2): torch.nn.functional.scaled_dot_product_attention with is_causal.
 *
 * @param qkv queries, keys and values side by side, each head's numbers together, [batch * time, 3 width], the times of one
 *   example in a row
 * @param heads a divisor of the width
 * @returns [batch * time, width]
 */
export function causalAttention(qkv: tf.Tensor, batch: number, heads: number): tf.Tensor {
  const [rows = 0, columns = 0] = qkv.shape;
  const [time, size] = [rows / batch, columns / 3 / heads];
  const parts = qkv.reshape([batch, time, 3, heads, size]).transpose([2, 0, 3, 1, 4]);
  const [q = parts, k = parts, v = parts] = parts.unstack();
  const scores = tf.matMul(q.mul(1 / Math.sqrt(size)), k, false, true).add(ahead(time));
  return tf
    .matMul(tf.softmax(scores), v)
    .transpose([0, 2, 1, 3])
    .reshape([rows, heads * size]);
}

/** -Infinity where a time (row) would look at a later one (column), else 0, [time, time]. */
function ahead(time: number): tf.Tensor {
  const times = tf.range(0, time);
  const later = times.expandDims(0).greater(times.expandDims(1));
  return tf.where(later, tf.fill([time, time], Number.NEGATIVE_INFINITY), tf.zeros([time, time]));
}
