import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type Activation, activationOption, activations } from '../layers/activation.ts';
import { causalAttention } from '../layers/attention.ts';
import { dropout, dropoutOption } from '../layers/dropout.ts';
import { type Start, startOptions, weights, zeros } from '../layers/init.ts';
import { type NormKind, newNorm, normalize } from '../layers/norm.ts';
import { refuseOtherThanSequences } from '../layers/sequence.ts';
import { embed, newEmbedding } from '../layers/tokens.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';

type Structure = {
  layers: number;
  width: number;
  heads: number;
  hidden_factor: number;
  norm: NormKind;
  norm_place: 'pre' | 'post';
  activation: Activation;
  dropout: boolean;
} & Start;

export const transformer: ModelPart<Structure> = {
  name: 'transformer',
  summary:
    'Decoder-only Transformer: each time attends to itself and earlier ones; the last gives the output, or each.',
  equation:
    'h = x E + P;  pre: h <- h + f(norm(h)), post: h <- norm(h + f(h)), for f = attention, then activation(h W + b) V + c, in ' +
    'each layer;  y = norm(h) U + d, post: y = h U + d',
  reference:
    'Vaswani et al. 2017 (post); Radford et al. 2019 (GPT-2: pre, gelu, learned positions), but with an output matrix of its ' +
    'own, no dropout on attention weights and no smaller start of deeper layers; placement: Xiong et al. 2020',
  options: z.strictObject({
    layers: z
      .int()
      .positive()
      .max(100)
      .default(2)
      .meta({ description: 'of attention and feed-forward', role: 'structural' }),
    width: z
      .int()
      .positive()
      .max(4096)
      .default(64)
      .meta({ description: 'of the numbers at each time', role: 'structural' }),
    heads: z
      .int()
      .positive()
      .max(256)
      .default(4)
      .meta({ description: 'of attention; a divisor of width', role: 'structural' }),
    hidden_factor: z
      .int()
      .positive()
      .max(64)
      .default(4)
      .meta({ description: 'width of the feed-forward layers, in widths', role: 'structural' }),
    norm: z.enum(['none', 'layer', 'rms']).default('layer').meta({ description: 'normalization', role: 'structural' }),
    norm_place: z
      .enum(['pre', 'post'])
      .default('pre')
      .meta({ description: 'normalization before each part, or after adding it', role: 'structural' }),
    activation: activationOption('gelu'),
    dropout: dropoutOption,
    ...startOptions,
    // lecun: what a matrix makes starts with the variance of what it reads, however wide it is, as glorot's doesn't for qkv.
    init: startOptions.init.unwrap().default('lecun').meta({ description: 'how weights start', role: 'structural' }),
  }),
  make({ layers, width, heads, hidden_factor, norm, norm_place, activation, dropout: hasDropout, ...start }) {
    const blocks = Array.from({ length: layers }, (_, k) => `block${k}`);
    return {
      refuse(shape) {
        if (width % heads !== 0) return `can't split a width of ${width} among ${heads} heads`;
        return refuseOtherThanSequences(shape);
      },
      init(streams, { input, vocabulary, output }) {
        const params: Tensors = {};
        const dense = (name: string, from: number, to: number) => {
          params[`${name}/w`] = weights(start, streams, `${name}/w`, [from, to]);
          params[`${name}/b`] = zeros(to);
        };
        const [time = 0, features = 0] = input;
        if (vocabulary === undefined) dense('input', features, width);
        else params.embedding = newEmbedding(streams, 'embedding', vocabulary, width);
        params.position_embedding = newEmbedding(streams, 'position_embedding', time, width);
        for (const block of blocks) {
          Object.assign(params, newNorm(norm, `${block}/norm0`, width).params);
          dense(`${block}/qkv`, width, 3 * width);
          dense(`${block}/joined`, width, width);
          Object.assign(params, newNorm(norm, `${block}/norm1`, width).params);
          dense(`${block}/up`, width, hidden_factor * width);
          dense(`${block}/down`, hidden_factor * width, width);
        }
        if (norm_place === 'pre') Object.assign(params, newNorm(norm, 'norm', width).params);
        dense('output', width, output);
        return { params, state: {} };
      },
      apply(params, state, x, context) {
        const [batch = 0, time = 0] = x.shape;
        const { training, shape } = context;
        const dense = (name: string, h: tf.Tensor) =>
          h.matMul(pick(params, `${name}/w`)).add(pick(params, `${name}/b`));
        const normal = (name: string, h: tf.Tensor) => normalize(norm, name, h, params, state, training).h;
        const drop = (name: string, h: tf.Tensor) =>
          hasDropout ? dropout(h.reshape([batch, time, width]), `${name}/dropout`, true, context).reshape(h.shape) : h;
        /** `h` and what a part makes of it. */
        const residual = (name: string, normName: string, h: tf.Tensor, part: (h: tf.Tensor) => tf.Tensor) =>
          norm_place === 'pre'
            ? h.add(drop(name, part(normal(normName, h))))
            : normal(normName, h.add(drop(name, part(h))));

        // One row for each time of each example.
        const flat = x.reshape([batch * time, ...x.shape.slice(2)]);
        const read = shape.vocabulary === undefined ? dense('input', flat) : embed(flat, pick(params, 'embedding'));
        const placed = read.reshape([batch, time, width]).add(pick(params, 'position_embedding'));
        let h = drop('input', placed.reshape([batch * time, width]));
        for (const block of blocks) {
          h = residual(`${block}/joined`, `${block}/norm0`, h, (own) =>
            dense(`${block}/joined`, causalAttention(dense(`${block}/qkv`, own), batch, heads)),
          );
          h = residual(`${block}/down`, `${block}/norm1`, h, (own) =>
            dense(`${block}/down`, activations[activation](dense(`${block}/up`, own))),
          );
        }
        if (shape.times === undefined)
          h = h
            .reshape([batch, time, width])
            .slice([0, time - 1, 0], [-1, 1, -1])
            .reshape([batch, width]);
        if (norm_place === 'pre') h = normal('norm', h);
        return [dense('output', h).as2D(batch, -1), state];
      },
    };
  },
};
