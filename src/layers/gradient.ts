/** Functions of tensors whose gradient is written by hand. */
import * as tf from '@tensorflow/tfjs';
import type { ModelContext } from '../types.ts';

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

/** `h` itself. On its way back, the gradient by it goes through the strategies that act inside back-propagation. */
export function site(name: string, h: tf.Tensor, { backward }: ModelContext): tf.Tensor {
  if (backward === undefined) return h;
  return withGradient(
    [h],
    () => ({ value: h.clone(), saved: [] }),
    (dy) => [backward(name, dy)],
  );
}
