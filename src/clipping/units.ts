/** Parts of a tensor that stand for one output each: the weights into one neuron, or one filter. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { unitAxes } from '../units.ts';

/** Which axes of a tensor's entries belong to one unit. */
const unitAxisValues = ['model', 'last', 'first', 'optax', 'tensor'] as const;
export type UnitAxis = (typeof unitAxisValues)[number];
export const unitAxisOption = z.enum(unitAxisValues).default('model').meta({
  description:
    "what a unit is: model: an index of the last axis, in embeddings of the first; last (TensorFlow's layout) or first (PyTorch's) of all; optax: as optax and NFNets have it (of 3 axes all but the first are indices); tensor: a whole tensor; vectors and scalars are one unit each",
  role: 'structural',
});

/** The axes over which a unit's norm is taken: [] for what is one unit as a whole. */
export function axesOfUnits(name: string, shape: number[], unit: UnitAxis): number[] {
  const all = shape.map((_, axis) => axis);
  if (unit === 'optax') {
    if (shape.filter((n) => n !== 1).length <= 1) return [];
    return shape.length <= 3 ? [0] : all.slice(0, -1);
  }
  if (shape.length <= 1 || unit === 'tensor') return [];
  if (unit === 'model') return unitAxes(name, shape.length);
  return unit === 'last' ? all.slice(0, -1) : all.slice(1);
}

/**
 * L2 norms over `axes`, which stay with length 1; no axes are all of them, and a scalar comes out. Free of overflow and
 * underflow; NaN and Infinity come out as themselves.
 */
export function unitNorms(tensor: tf.Tensor, axes: number[]): tf.Tensor {
  const { scale, rest } = scaledUnitNorms(tensor, axes);
  return rest.mul(scale);
}

/** Norms as scale * rest: where a norm overflows, both are still in range. */
function scaledUnitNorms(tensor: tf.Tensor, axes: number[]): { scale: tf.Tensor; rest: tf.Tensor } {
  const over = axes.length === 0 ? undefined : axes;
  const largest = tensor.abs().max(over, over !== undefined);
  const isUsable = tf.logicalAnd(largest.greater(0), largest.less(Number.POSITIVE_INFINITY));
  const scale = tf.where(isUsable, largest, tf.onesLike(largest));
  return { scale, rest: plainUnitNorms(tensor.div(scale), axes) };
}

/** A tensor whose units are at most `longest` long in the same direction, and their norms before; NaN stays NaN. */
export function shortenedUnits(
  tensor: tf.Tensor,
  axes: number[],
  longest: tf.Tensor,
): { tensor: tf.Tensor; norms: tf.Tensor } {
  const { scale, rest } = scaledUnitNorms(tensor, axes);
  const norms = rest.mul(scale);
  const shorter = tensor.div(scale).mul(longest.div(rest));
  return { tensor: tf.where(norms.greater(longest), shorter, tensor), norms };
}

/** The norms as their definition has it: squares may overflow and underflow. */
export function plainUnitNorms(tensor: tf.Tensor, axes: number[]): tf.Tensor {
  const over = axes.length === 0 ? undefined : axes;
  return tensor
    .square()
    .sum(over, over !== undefined)
    .sqrt();
}
