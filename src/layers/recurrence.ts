/** The recurrence of a vanilla RNN, with its gradient written by hand: half the time of automatic differentiation. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';
import { omegaGradient } from './omega.ts';
import { type Backward, given, outer, type States, sum, unchanged, weightGradient } from './states.ts';

/** Activations, and their slopes as functions of what they gave. */
const kinds = {
  tanh: { of: (z: tf.Tensor): tf.Tensor => tf.tanh(z), slope: (h: tf.Tensor): tf.Tensor => tf.sub(1, h.square()) },
  relu: { of: (z: tf.Tensor): tf.Tensor => tf.relu(z), slope: (h: tf.Tensor): tf.Tensor => h.greater(0).toFloat() },
};

export interface Recurrence {
  activation: keyof typeof kinds;
  /** Factor on the regularizer Omega, whose gradient comes with that by U. */
  omega?: tf.Scalar | undefined;
  /** Of dz, at each time before it goes further back. */
  onGradient?: Backward | undefined;
}

/**
 * h_t = f(a_t + h_(t-1) U) with h_0 = 0, where f is the activation.
 *
 * @param inputs a, what the inputs contribute, [time, batch, width]
 * @param u U, [width, width]
 */
export function recurrence(
  inputs: tf.Tensor,
  u: tf.Tensor,
  states: States,
  { activation, omega, onGradient }: Recurrence = { activation: 'tanh' },
): tf.Tensor {
  const { of, slope } = kinds[activation];
  return withGradient(
    [inputs, u],
    () => {
      const h: tf.Tensor[] = [];
      for (const [t, input] of inputs.unstack().entries()) {
        const before = h[t - 1];
        h.push(of(before === undefined ? input : input.add(before.matMul(u))));
      }
      const all = tf.stack(h);
      return { value: given(states, h, all), saved: [all, u] };
    },
    (dy, [all = dy, weights = dy]) => {
      const slopes = slope(all);
      const dz = backward(states, dy, slopes, weights, onGradient);
      const dU = weightGradient(all, dz);
      return [dz, omega === undefined ? dU : dU.add(omegaGradient(weights, slopes, dz).mul(omega))];
    },
  );
}

/** Back-propagation through time: dz_t = (dh_t + dz_(t+1) U^T) f'(z_t), where z_t is what the activation is taken of. */
function backward(
  states: States,
  dy: tf.Tensor,
  slopes: tf.Tensor,
  u: tf.Tensor,
  onGradient: Backward = unchanged,
): tf.Tensor {
  const each = slopes.unstack();
  const fromOutput = outer(states, dy, each.length);
  const back = u.transpose(); // products with a transposed matrix are slower
  const dz: tf.Tensor[] = [];
  for (const [t, slope] of [...each.entries()].reverse()) {
    const [later] = dz;
    dz.unshift(onGradient(sum(fromOutput[t], later?.matMul(back)).mul(slope)));
  }
  return tf.stack(dz);
}
