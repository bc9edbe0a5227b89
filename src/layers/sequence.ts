/** Sequences from the shape of examples, [batch, time, ...], to that of recurrent layers, time first, and back. */
import type * as tf from '@tensorflow/tfjs';
import type { TaskShape } from '../types.ts';

/** Why a model of sequences can't learn a task of this shape, or undefined. */
export function refuseOtherThanSequences({ input, vocabulary, times }: TaskShape): string | undefined {
  const tokens = vocabulary !== undefined;
  if (input.length !== (tokens ? 1 : 2)) {
    const what = tokens ? 'tokens' : 'examples';
    return `reads sequences [time, features] or tokens [time], not ${what} of shape [${input.join(', ')}]`;
  }
  if (times === undefined || times === input[0]) return undefined;
  return `gives an output for each of the ${input[0]} times of a sequence, not for ${times}`;
}

/** [batch, time] or [batch, time, features] to [time * batch] or [time * batch, features]: the numbers of one time together. */
export function timeFirst(x: tf.Tensor): tf.Tensor {
  const [, , ...features] = x.shape;
  return x.transpose(features.length === 0 ? [1, 0] : [1, 0, 2]).reshape([-1, ...features]);
}

/** [time * batch, n] to [batch, time * n]. */
export function batchFirst(y: tf.Tensor, batch: number): tf.Tensor {
  const [, n = 0] = y.shape;
  return y.reshape([-1, batch, n]).transpose([1, 0, 2]).reshape([batch, -1]);
}
