import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { glorot, zeros } from '../layers/init.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';

const activations = { relu: tf.relu, tanh: tf.tanh };

export const mlp: ModelPart<{ hidden: number[]; activation: 'relu' | 'tanh' }> = {
  name: 'mlp',
  summary: 'Fully connected layers; sequences and images are flattened.',
  equation: 'h <- activation(h W + b) for each hidden layer;  y = h W + b',
  reference: 'Rumelhart, Hinton & Williams 1986; start of Glorot & Bengio 2010',
  options: z.strictObject({
    hidden: z
      .array(z.int().positive().max(65_536))
      .min(1)
      .default([128])
      .meta({ description: 'widths of the hidden layers', role: 'structural' }),
    activation: z.enum(['relu', 'tanh']).default('relu').meta({ description: 'of hidden layers', role: 'structural' }),
  }),
  make({ hidden, activation }) {
    return {
      init(streams, { input, output }) {
        const widths = [input.reduce((product, n) => product * n, 1), ...hidden, output];
        const params: Tensors = {};
        for (let layer = 0; layer + 1 < widths.length; layer++) {
          const [from = 0, to = 0] = widths.slice(layer, layer + 2);
          params[`w${layer}`] = glorot(streams, `w${layer}`, from, to);
          params[`b${layer}`] = zeros(to);
        }
        return { params, state: {} };
      },
      apply(params, state, x) {
        let h: tf.Tensor = x.reshape([x.shape[0] ?? 0, -1]);
        for (let layer = 0; layer <= hidden.length; layer++) {
          h = h.matMul(pick(params, `w${layer}`)).add(pick(params, `b${layer}`));
          if (layer < hidden.length) h = activations[activation](h);
        }
        return [h.as2D(x.shape[0] ?? 0, -1), state];
      },
    };
  },
};
