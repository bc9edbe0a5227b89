/** A model of recurrent layers one upon the other: what rnn, lstm and gru have in common. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { pick } from '../tensors.ts';
import type { InitStreams, Model, ModelContext, Tensors } from '../types.ts';
import { dropout, dropoutOption } from './dropout.ts';
import { type Start, startOptions, weights, zeros } from './init.ts';
import { type NormKind, newNorm, normalize, normOption } from './norm.ts';
import { batchFirst, refuseOtherThanSequences, timeFirst } from './sequence.ts';
import type { Backward, States } from './states.ts';
import { embed, newEmbedding } from './tokens.ts';

export type RecurrentOptions = {
  hidden: number[];
  embedding: number;
  norm: NormKind;
  dropout: boolean;
  recurrent_init: Start['init'];
  recurrent_gain: number;
} & Start;

export const recurrentOptions = {
  hidden: z
    .array(z.int().positive().max(4096))
    .min(1)
    .default([64])
    .meta({ description: 'widths of the recurrent layers', role: 'structural' }),
  embedding: z
    .int()
    .positive()
    .max(4096)
    .default(64)
    .meta({ description: 'width of the vectors that stand for tokens, where the task has tokens', role: 'structural' }),
  norm: normOption(['layer', 'rms']),
  dropout: dropoutOption,
  recurrent_init: z
    .enum(['glorot', 'he', 'lecun', 'orthogonal', 'identity'])
    .default('orthogonal')
    .meta({ description: 'how the weights from state to state start', role: 'structural' }),
  recurrent_gain: z
    .number()
    .positive()
    .default(1)
    .meta({ description: 'factor on the starting weights from state to state', role: 'structural' }),
  ...startOptions,
};

/** A kind of recurrent layer. */
export interface RecurrentLayer {
  /** What it computes from inputs and state: one thing, or a few gates, each with weights of its own. */
  gates: number;
  /** How its biases start, by the name to which the layer's number is added; `b` goes with the inputs. */
  biases: { b: (width: number) => tf.Tensor } & Record<string, (width: number) => tf.Tensor>;
  /**
   * States over time, [time, batch, width], or the last one, [batch, width].
   *
   * @param inputs x_t W + b for every time, [time, batch, gates * width]
   * @param own the layer's `u` [width, gates * width] and biases
   * @param onGradient of the gradient by what activations are taken of, [batch, gates * width], at each time
   */
  run(inputs: tf.Tensor, own: Tensors, states: States, context: ModelContext, onGradient?: Backward): tf.Tensor;
}

/**
 * For each layer W `w0` [from, gates * width], U `u0` [width, gates * width] and its biases; every gate's weights start by
 * themselves (torch.nn and Keras draw those of all gates together). Then V `v` and c `c`, which make an output of the last state,
 * or one of the state at each time where the task asks for it. Dropout leaves the way from state to state alone: it is on the
 * vectors of tokens and on what each layer gives (Zaremba, Sutskever & Vinyals 2014). So is normalization on what each layer
 * gives, where Ba, Kiros & Hinton 2016 have it inside the recurrence.
 */
export function recurrentModel(
  layer: RecurrentLayer,
  { hidden, embedding, norm, dropout: hasDropout, recurrent_init, recurrent_gain, ...start }: RecurrentOptions,
): Model {
  const recurrentStart: Start = { ...start, init: recurrent_init, gain: recurrent_gain };
  const ownNames = ['u', ...Object.keys(layer.biases)];
  const ownOf = (params: Tensors, k: number) =>
    Object.fromEntries(ownNames.map((name) => [name, pick(params, `${name}${k}`)]));
  return {
    refuse: refuseOtherThanSequences,
    sites: true,
    init(streams, { input, vocabulary, output }) {
      const params: Tensors = {};
      let [, from = 0] = input;
      if (vocabulary !== undefined) {
        params.embedding = newEmbedding(streams, 'embedding', vocabulary, embedding);
        from = embedding;
      }
      hidden.forEach((width, k) => {
        params[`w${k}`] = gateWeights(start, streams, `w${k}`, from, width, layer.gates);
        params[`u${k}`] = gateWeights(recurrentStart, streams, `u${k}`, width, width, layer.gates);
        for (const [name, bias] of Object.entries(layer.biases)) params[`${name}${k}`] = bias(width);
        Object.assign(params, newNorm(norm, `norm${k}`, width).params);
        from = width;
      });
      params.v = weights(start, streams, 'v', [from, output]);
      params.c = zeros(output);
      return { params, state: {} };
    },
    apply(params, state, x, context) {
      const [batch = 0, time = 0] = x.shape;
      const { shape, backward } = context;
      const each = shape.times !== undefined;
      // One row for each example, or one for each time and example.
      const drop = (h: tf.Tensor, site: string) => dropout(h, site, hasDropout, context, h.rank - 2);
      let h = timeFirst(x);
      if (shape.vocabulary !== undefined)
        h = drop(embed(h, pick(params, 'embedding')).reshape([time, batch, -1]), 'dropout_embedding');
      hidden.forEach((width, k) => {
        // One product for all times; only h U has to wait for the state before it.
        const inputs = h
          .reshape([time * batch, -1])
          .matMul(pick(params, `w${k}`))
          .add(pick(params, `b${k}`))
          .reshape([time, batch, layer.gates * width]);
        const states = k < hidden.length - 1 || each ? 'all' : 'last';
        const given = layer.run(inputs, ownOf(params, k), states, context, backward && ((dz) => backward(`h${k}`, dz)));
        h = drop(normalize(norm, `norm${k}`, given, params, state, context.training).h, `dropout${k}`);
      });
      const y = h
        .reshape([-1, hidden.at(-1) ?? 0])
        .matMul(pick(params, 'v'))
        .add(pick(params, 'c'));
      return [(each ? batchFirst(y, batch) : y).as2D(batch, -1), state];
    },
  };
}

/** [from, gates * width]: every gate's part starts as a matrix of its own. */
function gateWeights(
  start: Start,
  streams: InitStreams,
  name: string,
  from: number,
  width: number,
  gates: number,
): tf.Tensor {
  const stream = streams(name, [from, gates * width]);
  return tf.tidy(() => {
    const parts = Array.from({ length: gates }, () => weights(start, () => stream, name, [from, width]));
    return tf.concat(parts, 1);
  });
}
