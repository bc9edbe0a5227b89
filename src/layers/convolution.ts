/** Convolutions of images [batch, height, width, channels]. */
import * as tf from '@tensorflow/tfjs';
import type { TaskShape } from '../types.ts';

/**
 * Images convolved with a kernel [k, k, channels in, channels out], padded with zeros as TensorFlow's "same": the result has
 * height / stride rows, rounded up.
 */
export function convolve(images: tf.Tensor, kernel: tf.Tensor, stride = 1): tf.Tensor {
  return tf.conv2d(as4D(images), as4D(kernel), stride, 'same');
}

/** The largest number of every 2 x 2 pixels; an odd last row or column is left out. */
export function halve(images: tf.Tensor): tf.Tensor {
  return tf.maxPool(as4D(images), 2, 2, 'valid');
}

function as4D(tensor: tf.Tensor): tf.Tensor4D {
  const [a = 1, b = 1, c = 1, d = 1] = tensor.shape;
  return tensor.as4D(a, b, c, d);
}

/** Why a model that halves images so many times can't read examples of this shape, or undefined. */
export function refuseImages({ input, vocabulary }: TaskShape, halvings: number): string | undefined {
  const shape = `[${input.join(', ')}]`;
  if (input.length !== 3 || vocabulary !== undefined)
    return `reads images [height, width, channels], not examples of shape ${shape}`;
  const least = [...Array(halvings)].reduce((size: number) => size * 2, 1);
  const smaller = Math.min(input[0] ?? 0, input[1] ?? 0);
  return smaller < least
    ? `halves images ${halvings} times, which takes ${least} x ${least} pixels at least, not ${shape}`
    : undefined;
}
