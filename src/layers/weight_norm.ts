/** Weight norm: weights as length times direction. */
import * as tf from '@tensorflow/tfjs';
import { pick } from '../tensors.ts';
import type { InitStreams, Tensors } from '../types.ts';
import { lengthOf } from '../units.ts';
import { type Start, weights } from './init.ts';

/** Added to squared lengths: far below rounding, but for a unit of zeros, as an identity start can have them. */
const TINY = 1e-12;

/**
 * Fresh weights `name` [..., units]; with weight norm these are the directions v, and `name/length` [units] the lengths g, which
 * begin as those of v, so that a network starts as the same one without.
 */
export function newWeights(
  hasLengths: boolean,
  start: Start,
  streams: InitStreams,
  name: string,
  shape: number[],
): Tensors {
  const v = weights(start, streams, name, shape);
  return hasLengths ? { [name]: v, [lengthOf(name)]: tf.tidy(() => lengthsOf(v).flatten()) } : { [name]: v };
}

/**
 * What multiplies the inputs: the weights themselves, or g v / |v| for each output unit (Salimans & Kingma 2016, eq. 2), as
 * torch.nn.utils.parametrizations.weight_norm.
 */
export function weightsOf(hasLengths: boolean, params: Tensors, name: string): tf.Tensor {
  const v = pick(params, name);
  return hasLengths ? v.mul(pick(params, lengthOf(name)).div(lengthsOf(v))) : v;
}

/** [1, ..., units] */
function lengthsOf(v: tf.Tensor): tf.Tensor {
  const inputs = v.shape.map((_, axis) => axis).slice(0, -1);
  return v.square().sum(inputs, true).add(TINY).sqrt();
}
