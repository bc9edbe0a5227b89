import { z } from 'zod';
import { type Activation, activationOption, activations } from '../layers/activation.ts';
import { convolve, halve, refuseImages } from '../layers/convolution.ts';
import { dropout, dropoutOption } from '../layers/dropout.ts';
import { refuseSequences } from '../layers/example.ts';
import { type Start, startOptions, weights, zeros } from '../layers/init.ts';
import { addsBias, newNorm, normalize, normOption } from '../layers/norm.ts';
import { newWeights, weightsOf } from '../layers/weight_norm.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';

type Structure = {
  channels: number[];
  kernel: number;
  activation: Activation;
  norm: 'none' | 'batch' | 'layer' | 'rms' | 'group' | 'weight';
  dropout: boolean;
} & Start;

export const cnn: ModelPart<Structure> = {
  name: 'cnn',
  summary: 'Convolutions, each followed by 2 x 2 max pooling, and one fully connected layer.',
  // Pooling first: the same values for activations that never fall, and a quarter of them to compute.
  equation:
    'h <- activation(max_pool(norm(h * K + b))) for each block, b only where norm adds none;  y = dropout(h) V + c',
  reference: "LeCun et al. 1998; zero-padded convolutions of stride 1 and pooling as in PyTorch's MNIST example",
  options: z.strictObject({
    channels: z
      .array(z.int().positive().max(4096))
      .min(1)
      .default([8, 16])
      .meta({ description: 'of the convolutions', role: 'structural' }),
    kernel: z.int().min(1).max(31).default(3).meta({ description: 'rows and columns of a kernel', role: 'structural' }),
    activation: activationOption('relu'),
    norm: normOption(['batch', 'layer', 'rms', 'group', 'weight']),
    dropout: dropoutOption,
    ...startOptions,
  }),
  make({ channels, kernel, activation, norm, dropout: hasDropout, ...start }) {
    const [hasLengths, kind] = norm === 'weight' ? [true, 'none' as const] : [false, norm];
    return {
      refuse: (shape) => refuseSequences(shape) ?? refuseImages(shape, channels.length),
      init(streams, { input: [height = 0, width = 0, colours = 0], output }) {
        const [params, state]: [Tensors, Tensors] = [{}, {}];
        let [rows, columns, from] = [height, width, colours];
        channels.forEach((to, block) => {
          const fresh = newNorm(kind, `norm${block}`, to);
          Object.assign(params, newWeights(hasLengths, start, streams, `k${block}`, [kernel, kernel, from, to]));
          if (!addsBias(kind)) params[`b${block}`] = zeros(to);
          Object.assign(params, fresh.params);
          Object.assign(state, fresh.state);
          [rows, columns, from] = [Math.floor(rows / 2), Math.floor(columns / 2), to];
        });
        params.v = weights(start, streams, 'v', [rows * columns * from, output]);
        params.c = zeros(output);
        return { params, state };
      },
      apply(params, state, x, context) {
        const [batch = 0] = x.shape;
        let [h, after] = [x, state];
        for (const block of channels.keys()) {
          h = convolve(h, weightsOf(hasLengths, params, `k${block}`));
          if (!addsBias(kind)) h = h.add(pick(params, `b${block}`));
          ({ h, state: after } = normalize(kind, `norm${block}`, h, params, after, context.training));
          h = activations[activation](halve(h));
        }
        const flat = dropout(h.reshape([batch, -1]), 'dropout', hasDropout, context);
        const y = flat.matMul(pick(params, 'v')).add(pick(params, 'c'));
        return [y.as2D(batch, -1), after];
      },
    };
  },
};
