/** The recurrence of a vanilla RNN, with its gradient written by hand: half the time of automatic differentiation. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';
import { given, outer, type States, sum, weightGradient } from './states.ts';

/**
 * h_t = tanh(a_t + h_(t-1) U) with h_0 = 0.
 *
 * @param inputs a, what the inputs contribute, [time, batch, width]
 * @param u U, [width, width]
 */
export function recurrence(inputs: tf.Tensor, u: tf.Tensor, states: States): tf.Tensor {
  return withGradient(
    [inputs, u],
    () => {
      const h: tf.Tensor[] = [];
      for (const [t, input] of inputs.unstack().entries()) {
        const before = h[t - 1];
        h.push(tf.tanh(before === undefined ? input : input.add(before.matMul(u))));
      }
      const all = tf.stack(h);
      return { value: given(states, h, all), saved: [all, u] };
    },
    (dy, [all = dy, weights = dy]) => backward(states, dy, all, weights),
  );
}

/** Back-propagation through time: dz_t = (dh_t + dz_(t+1) U^T) (1 - h_t^2), where z_t is what tanh is taken of. */
function backward(states: States, dy: tf.Tensor, all: tf.Tensor, u: tf.Tensor): tf.Tensor[] {
  const slopes = tf.sub(1, all.square()).unstack();
  const fromOutput = outer(states, dy, slopes.length);
  const back = u.transpose(); // products with a transposed matrix are slower
  const dz: tf.Tensor[] = [];
  for (const [t, slope] of [...slopes.entries()].reverse()) {
    const [later] = dz;
    dz.unshift(sum(fromOutput[t], later?.matMul(back)).mul(slope));
  }
  const dInputs = tf.stack(dz);
  return [dInputs, weightGradient(all, dInputs)];
}
