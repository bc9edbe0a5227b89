/** What recurrent layers have in common: their states over time, and gradients by them. */
import * as tf from '@tensorflow/tfjs';

/** A recurrent layer gives all its states, [time, batch, width], or the last one, [batch, width]. */
export type States = 'all' | 'last';

/** What becomes of the gradient by what activations are taken of, at one time. */
export type Backward = (dz: tf.Tensor) => tf.Tensor;

export const unchanged: Backward = (dz) => dz;

export function given(states: States, h: tf.Tensor[], all: tf.Tensor): tf.Tensor {
  return states === 'all' ? all : (h[h.length - 1] ?? all);
}

/** The gradient by the state at each time, as far as it comes from the layer's output. */
export function outer(states: States, dy: tf.Tensor, time: number): (tf.Tensor | undefined)[] {
  return states === 'all' ? dy.unstack() : [...Array<undefined>(time - 1), dy];
}

/** The sum of what there is. */
export function sum(a: tf.Tensor | undefined, b: tf.Tensor | undefined): tf.Tensor {
  if (a !== undefined && b !== undefined) return a.add(b);
  return a ?? b ?? tf.scalar(0);
}

/**
 * The gradient by a recurrent weight, sum over t of h_(t-1)^T dz_t: one product over all times.
 *
 * @param all h, [time, batch, width]
 * @param dz [time, batch, n]
 * @returns [width, n]
 */
export function weightGradient(all: tf.Tensor, dz: tf.Tensor): tf.Tensor {
  const [time = 0, batch = 0, width = 0] = all.shape;
  const before = all.slice([0, 0, 0], [time - 1, -1, -1]).reshape([(time - 1) * batch, width]);
  const after = dz.slice([1, 0, 0], [time - 1, -1, -1]).reshape([(time - 1) * batch, dz.shape[2] ?? 0]);
  return before.matMul(after, true);
}
