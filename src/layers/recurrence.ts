/** The recurrence of a vanilla RNN, with its gradient written by hand: half the time of automatic differentiation. */
import * as tf from '@tensorflow/tfjs';

/**
 * h_t = tanh(a_t + h_(t-1) U) with h_0 = 0.
 *
 * @param inputs a, what the inputs contribute, [batch, time, width]
 * @param u U, [width, width]
 * @returns all h_t, [batch, time, width]
 */
export function recurrence(inputs: tf.Tensor3D, u: tf.Tensor2D): tf.Tensor3D {
  return withGradient(inputs, u).as3D(...inputs.shape);
}

const withGradient = tf.customGrad((...args) => {
  const [inputs, u, save] = args;
  if (!(inputs instanceof tf.Tensor) || !(u instanceof tf.Tensor) || typeof save !== 'function') {
    throw new TypeError('recurrence takes two tensors');
  }
  const states = tf.stack(forward(inputs, u), 1);
  save([states, u]);
  return {
    value: states,
    gradFunc: (dy: tf.Tensor, [h, weights]: tf.Tensor[]) => (h && weights ? backward(dy, h, weights) : []),
  };
});

function forward(inputs: tf.Tensor, u: tf.Tensor): tf.Tensor[] {
  const states: tf.Tensor[] = [];
  for (const input of inputs.unstack(1)) {
    const previous = states[states.length - 1];
    states.push(tf.tanh(previous === undefined ? input : input.add(previous.matMul(u))));
  }
  return states;
}

/**
 * Back-propagation through time. With z_t = a_t + h_(t-1) U: dz_t = (dy_t + dz_(t+1) U^T) (1 - h_t^2), da_t = dz_t, and
 * dU = sum_t h_(t-1)^T dz_t, which is one product over all times.
 */
function backward(dy: tf.Tensor, h: tf.Tensor, u: tf.Tensor): tf.Tensor[] {
  const [batch = 0, time = 0, width = 0] = h.shape;
  const outer = dy.unstack(1);
  const slopes = tf.sub(1, h.square()).unstack(1);
  const dz: tf.Tensor[] = [];
  let next: tf.Tensor | undefined;
  for (let t = time - 1; t >= 0; t--) {
    const [fromOutput, slope] = [outer[t], slopes[t]];
    if (fromOutput === undefined || slope === undefined) break;
    next = (next === undefined ? fromOutput : fromOutput.add(next.matMul(u, false, true))).mul(slope);
    dz.unshift(next);
  }
  const dInputs = tf.stack(dz, 1);
  const before = h.slice([0, 0, 0], [batch, time - 1, width]).reshape([-1, width]);
  const after = dInputs.slice([0, 1, 0], [batch, time - 1, width]).reshape([-1, width]);
  return [dInputs, before.matMul(after, true, false)];
}
