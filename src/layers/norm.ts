/** Normalization layers: numbers brought to mean 0 and variance 1 over some axes, then scaled and shifted. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { pick } from '../tensors.ts';
import type { Tensors } from '../types.ts';
import { withGradient } from './gradient.ts';
import { zeros } from './init.ts';

/**
 * What the mean and variance are taken over. batch: all axes but the channels (Ioffe & Szegedy 2015). layer: the channels (Ba,
 * Kiros & Hinton 2016). rms: as layer, but with the mean square in place of the variance and no mean taken off (Zhang &
 * Sennrich 2019). group: positions and a group of channels of one example (Wu & He 2018).
 */
export type NormKind = 'none' | 'batch' | 'layer' | 'rms' | 'group';

/** As in torch.nn; there RMSNorm alone has another default, the float's own rounding. */
const EPSILON = 1e-5;
/** Of the running statistics of batch norm the share that stays; PyTorch calls 1 - 0.9 momentum. */
const KEPT = 0.9;

/** The option of a model that offers these kinds and `none`. */
export const normOption = (kinds: (Exclude<NormKind, 'none'> | 'weight')[]) =>
  z
    .enum(['none', ...kinds])
    .default('none')
    .meta({ description: 'normalization of hidden layers', role: 'structural' });

/** Whether a norm adds a bias of its own, so that the layer before it needs none. */
export const addsBias = (kind: string): boolean => kind === 'batch' || kind === 'layer' || kind === 'group';

/** Groups of group norm: the largest of 1 to 8 that divides the width into groups of two channels or more. */
export function groupsOf(width: number): number {
  return [8, 7, 6, 5, 4, 3, 2].find((groups) => width % groups === 0 && width > groups) ?? 1;
}

/** Fresh parameters `name/gain` and, but for rms, `name/bias`; state `name/mean` and `name/variance` of batch norm. All [width]. */
export function newNorm(kind: NormKind, name: string, width: number): { params: Tensors; state: Tensors } {
  if (kind === 'none') return { params: {}, state: {} };
  return {
    params: { [`${name}/gain`]: tf.ones([width]), ...(addsBias(kind) && { [`${name}/bias`]: zeros(width) }) },
    state: kind === 'batch' ? { [`${name}/mean`]: zeros(width), [`${name}/variance`]: tf.ones([width]) } : {},
  };
}

/**
 * (h - mean) / sqrt(variance + 1e-5) * gain + bias. In training batch norm takes the statistics of the batch, in evaluation the
 * running ones of training: 0.9 of what they were and 0.1 of the batch's, the variance there with n - 1 as in PyTorch.
 *
 * @param name of the layer, as given to newNorm
 * @param h [batch, ..., width], channels last
 * @param state the model's whole state
 * @returns `h` in its shape, and the whole state after it
 */
export function normalize(
  kind: NormKind,
  name: string,
  h: tf.Tensor,
  params: Tensors,
  state: Tensors,
  training: boolean,
): { h: tf.Tensor; state: Tensors } {
  if (kind === 'none') return { h, state };
  const affine = (standard: tf.Tensor) => {
    const scaled = standard.mul(pick(params, `${name}/gain`));
    return addsBias(kind) ? scaled.add(pick(params, `${name}/bias`)) : scaled;
  };
  const [mean, variance] = [`${name}/mean`, `${name}/variance`];
  if (kind === 'batch' && !training) {
    const factor = pick(state, variance).add(EPSILON).rsqrt();
    return { h: affine(h.sub(pick(state, mean)).mul(factor)), state };
  }
  const { shape, mean: meanOf } = view(kind, h.shape);
  const standard = standardize(h.reshape(shape), meanOf, kind !== 'rms');
  const out = affine(standard.h.reshape(h.shape));
  if (kind !== 'batch') return { h: out, state };
  const [rows = 0] = shape;
  // The variance of a single number is 0 either way.
  const unbiased = standard.variance.mul(rows / Math.max(rows - 1, 1));
  const blend = (old: string, fresh: tf.Tensor) => {
    const before = pick(state, old);
    return before.mul(KEPT).add(fresh.reshape(before.shape).mul(1 - KEPT));
  };
  return { h: out, state: { ...state, [mean]: blend(mean, standard.mean), [variance]: blend(variance, unbiased) } };
}

/** A shape for the same numbers, and the mean over what is normalized together, in a shape that goes with it. */
interface View {
  shape: number[];
  mean(x: tf.Tensor): tf.Tensor;
}

function view(kind: NormKind, shape: number[]): View {
  const width = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (kind !== 'group') return { shape: [rows, width], mean: (x) => x.mean(kind === 'batch' ? 0 : 1, true) };
  const [batch = 1] = shape;
  const groups = groupsOf(width);
  const members = width / groups;
  return {
    shape: [batch, rows / batch, width],
    // First over positions, which leaves little; over both at once takes three times as long.
    mean: (x) =>
      x.mean(1).reshape([batch, groups, members]).mean(2, true).tile([1, 1, members]).reshape([batch, 1, width]),
  };
}

/** To mean 0, where `centered`, and mean square 1. The gradient by hand: half the operations of automatic differentiation. */
function standardize(h: tf.Tensor, mean: View['mean'], centered: boolean) {
  const center = centered ? mean(h) : tf.scalar(0);
  const deviation = centered ? h.sub(center) : h;
  const variance = mean(deviation.square());
  const standard = withGradient(
    [h],
    () => {
      const factor = variance.add(EPSILON).rsqrt();
      const value = deviation.mul(factor);
      return { value, saved: [value, factor] };
    },
    (dy, [value = dy, factor = dy]) => {
      const across = dy.sub(value.mul(mean(dy.mul(value))));
      return [(centered ? across.sub(mean(dy)) : across).mul(factor)];
    },
  );
  return { h: standard, mean: center, variance };
}
