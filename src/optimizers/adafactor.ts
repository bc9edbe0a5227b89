import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { l2Loss, normsOfEach } from '../norms.ts';
import { group, join, mapTensors, named, pick, zerosLike } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';
import { blend } from '../updates/moments.ts';

export const adafactor: TransformPart<
  Record<string, never>,
  'decay_rate' | 'clipping_threshold' | 'min_scale' | 'epsilon'
> = {
  name: 'adafactor',
  summary: 'The gradient over the root of its mean square, which matrices keep as means of rows and columns.',
  equation:
    'rest = t^-decay_rate;  v <- (1-rest) v + rest (g^2 + epsilon), of matrices row means x column means / mean;  u = g / sqrt(v);  w <- w - learning_rate max(min_scale, rms(w)) u / max(1, rms(u) / clipping_threshold), by tensor',
  reference:
    'Shazeer & Stern 2018, Algorithms 4 and 5; optax.adafactor (the rate is fed, not 1/sqrt(t)) with every matrix factored; of more than two axes, the last two are, as in PyTorch and Keras',
  options: z.strictObject({
    decay_rate: z.number().positive().max(1).default(0.8).meta({
      description: 'how soon the mean square looks far back: the newest has the weight t^-decay_rate',
      role: 'numeric',
    }),
    clipping_threshold: z
      .number()
      .positive()
      .default(1)
      .meta({ description: "root mean square above which a tensor's update is clipped", role: 'numeric' }),
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
  }),
  make: () => ({
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
      const rest = step.log().mul(decay_rate.neg()).exp().asScalar();
      const kept = tf.sub(1, rest).asScalar();
      const squares = mapTensors(grads, (g) => g.square());
      const blended = (old: Tensors, mean: (square: tf.Tensor) => tf.Tensor) =>
        mapTensors(old, (tensor, name) => blend(tensor, kept, mean(pick(squares, name)).add(epsilon), rest));
      const row = blended(group(state, 'row'), (square) => square.mean(-1, true));
      const column = blended(group(state, 'column'), (square) => square.mean(-2, true));
      const square = blended(group(state, 'square'), (own) => own);
      const direction = mapTensors(grads, (g, name) => {
        const [rows, columns] = [row[name], column[name]];
        return rows === undefined || columns === undefined
          ? g.div(pick(square, name).sqrt())
          : // Root by root: the product of a dead row's mean and a dead column's would be 0.
            g.mul(rows.mean(-2, true).sqrt().div(rows.sqrt())).div(columns.sqrt());
      });
      const norms = named(direction, normsOfEach(Object.values(direction)).unstack());
      const update = mapTensors(direction, (u, name) => {
        const scale = tf.maximum(min_scale, rms(pick(params, name)));
        const excess = pick(norms, name).div(Math.sqrt(u.size)).div(clipping_threshold);
        return u.mul(scale.mul(learning_rate.neg()).div(tf.maximum(1, excess)));
      });
      return { grads: update, state: join({ row, column, square, schedule: { step } }) };
    },
  }),
};

const rms = (w: tf.Tensor): tf.Tensor =>
  l2Loss(w)
    .mul(2 / w.size)
    .sqrt();

/** The shape of a tensor's means over an axis counted from the end. */
const meanShape = (shape: number[], axis: number) => shape.map((n, i) => (i === shape.length + axis ? 1 : n));
