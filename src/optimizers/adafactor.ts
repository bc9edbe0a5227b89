import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { groupNorms, l2Loss } from '../norms.ts';
import { group, join, mapTensors, named, pick, zerosLike } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';
import { blend } from '../updates/moments.ts';

type Structure = { relative_step: boolean; semantics: 'safe' | 'torch' };
type Numbers = 'decay_rate' | 'clipping_threshold' | 'min_scale' | 'epsilon';

export const adafactor: TransformPart<Structure, Numbers> = {
  name: 'adafactor',
  summary: 'The gradient over the root of its mean square, which matrices keep as means of rows and columns.',
  equation:
    'rest = t^-decay_rate;  v <- (1-rest) v + rest (g^2 + epsilon), of matrices row means x column means / mean;  u = g / sqrt(v);  w <- w - learning_rate max(min_scale, rms(w)) u / max(1, rms(u) / clipping_threshold), by tensor',
  reference:
    'Shazeer & Stern 2018, Algorithms 4 and 5; optax.adafactor (the rate is fed, not 1/sqrt(t)) with every matrix factored; of more than two axes, the last two are, as in PyTorch and Keras; relative_step as keras.optimizers.Adafactor and torch.optim.Adafactor',
  cost: '2R + W on the update',
  scope: 'update',
  options: z.strictObject({
    decay_rate: z.number().positive().max(1).default(0.8).meta({
      description: 'how soon the mean square looks far back: the newest has the weight t^-decay_rate',
      role: 'numeric',
    }),
    clipping_threshold: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: "root mean square above which a tensor's update is clipped",
        role: 'numeric',
        threshold: true,
        search: { min: 0.5, max: 4, scale: 'log' },
      }),
    min_scale: z
      .number()
      .positive()
      .default(1e-3)
      .meta({ description: "least scale of a tensor's update, where its weights are smaller", role: 'numeric' }),
    epsilon: z
      .number()
      .positive()
      .default(1e-30)
      .meta({ description: 'added to the squares: keeps the quotient finite', role: 'numeric' }),
    relative_step: z.boolean().default(false).meta({
      description: 'whether the rate is at most 1 / sqrt(t)',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'torch']).default('safe').meta({
      description:
        'torch: epsilon (1.2e-7 there) is not added to squares, but the least that means of them and the root count as',
      role: 'structural',
    }),
  }),
  make: ({ relative_step, semantics }) => ({
    init: (params) => {
      const withRank = (fits: (rank: number) => boolean): Tensors =>
        Object.fromEntries(Object.entries(params).filter(([, w]) => fits(w.rank)));
      const matrices = withRank((rank) => rank >= 2);
      return join<tf.Tensor>({
        row: mapTensors(matrices, (w) => tf.zeros(meanShape(w.shape, -1))),
        column: mapTensors(matrices, (w) => tf.zeros(meanShape(w.shape, -2))),
        square: zerosLike(withRank((rank) => rank < 2)),
        schedule: { step: tf.scalar(0) },
      });
    },
    update(grads, state, { params, options, learning_rate }) {
      const { decay_rate, clipping_threshold, min_scale, epsilon } = options;
      const step = pick(state, 'schedule.step').add(1);
      const rate = relative_step ? tf.minimum(learning_rate, tf.div(1, step.sqrt())) : learning_rate;
      const rest = step.log().mul(decay_rate.neg()).exp().asScalar();
      const kept = tf.sub(1, rest).asScalar();
      const isTorch = semantics === 'torch';
      const added = (mean: tf.Tensor) => (isTorch ? mean : mean.add(epsilon));
      const squares = mapTensors(grads, (g) => g.square());
      const blended = (old: Tensors, mean: (square: tf.Tensor) => tf.Tensor) =>
        mapTensors(old, (tensor, name) => blend(tensor, kept, added(mean(pick(squares, name))), rest));
      const row = blended(group(state, 'row'), (square) => square.mean(-1, true));
      const column = blended(group(state, 'column'), (square) => square.mean(-2, true));
      const square = blended(group(state, 'square'), (own) => own);
      const direction = mapTensors(grads, (g, name) => {
        const [rows, columns] = [row[name], column[name]];
        if (isTorch) return g.div(tf.maximum(epsilon, torchRoot(pick({ ...row, ...square }, name), columns, epsilon)));
        return rows === undefined || columns === undefined
          ? g.div(pick(square, name).sqrt())
          : // Root by root: the product of a dead row's mean and a dead column's would be 0.
            g.mul(rows.mean(-2, true).sqrt().div(rows.sqrt())).div(columns.sqrt());
      });
      const norms = named(direction, groupNorms(Object.values(direction).map((u) => [u])).unstack());
      const excesses = mapTensors(norms, (norm, name) =>
        norm.div(Math.sqrt(pick(grads, name).size)).div(clipping_threshold),
      );
      const update = mapTensors(direction, (u, name) => {
        const scale = tf.maximum(min_scale, rms(pick(params, name)));
        return u.mul(scale.mul(rate.neg()).div(tf.maximum(1, pick(excesses, name))));
      });
      const excess = tf.stack(Object.values(excesses));
      return {
        grads: update,
        state: join({ row, column, square, schedule: { step } }),
        info: {
          clipped_fraction: excess
            .greater(1 + 1e-6)
            .toFloat()
            .mean()
            .asScalar(),
          threshold: clipping_threshold,
          largest_rms: excess.max().mul(clipping_threshold).asScalar(),
        },
      };
    },
  }),
};

/** The root of the mean square, kept as those of rows and columns or as it is. */
function torchRoot(rows: tf.Tensor, columns: tf.Tensor | undefined, epsilon: tf.Scalar): tf.Tensor {
  if (columns === undefined) return rows.sqrt();
  return rows
    .sqrt()
    .mul(columns.sqrt())
    .div(tf.maximum(rows.mean(-2, true), epsilon).sqrt());
}

const rms = (w: tf.Tensor): tf.Tensor =>
  l2Loss(w)
    .mul(2 / w.size)
    .sqrt();

/** The shape of a tensor's means over an axis counted from the end. */
const meanShape = (shape: number[], axis: number) => shape.map((n, i) => (i === shape.length + axis ? 1 : n));
