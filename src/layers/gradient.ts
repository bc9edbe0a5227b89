/** Functions of tensors whose gradient is written by hand. */
import * as tf from '@tensorflow/tfjs';

interface Forward {
  value: tf.Tensor;
  /** Tensors that the gradient needs. */
  saved: tf.Tensor[];
}

/**
 * The value of `forward`; `gradient` gives the gradients by `inputs`, in their order, from dy, the gradient by the value,
 * and what was saved.
 */
export function withGradient(
  inputs: tf.Tensor[],
  forward: () => Forward,
  gradient: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor {
  const f = tf.customGrad((...args) => {
    const save = args[args.length - 1];
    if (typeof save !== 'function') throw new TypeError('tf.customGrad gave no way to save tensors');
    const { value, saved } = forward();
    save(saved);
    return { value, gradFunc: gradient };
  });
  return f(...inputs);
}
