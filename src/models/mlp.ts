import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type Activation, activationOption, activations } from '../layers/activation.ts';
import { dropout, dropoutOption } from '../layers/dropout.ts';
import { refuseSequences, sizeOf } from '../layers/example.ts';
import { site } from '../layers/gradient.ts';
import { type Start, startOptions, weights, zeros } from '../layers/init.ts';
import { addsBias, newNorm, normalize, normOption } from '../layers/norm.ts';
import { newWeights, weightsOf } from '../layers/weight_norm.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';

type Structure = {
  hidden: number[];
  activation: Activation;
  norm: 'none' | 'batch' | 'layer' | 'rms' | 'weight';
  dropout: boolean;
} & Start;

export const mlp: ModelPart<Structure> = {
  name: 'mlp',
  summary: 'Fully connected layers; sequences and images are flattened.',
  equation: 'h <- dropout(activation(norm(h W + b))) for each hidden layer, b only where norm adds none;  y = h W + b',
  reference: 'Rumelhart, Hinton & Williams 1986; start of Glorot & Bengio 2010',
  options: z.strictObject({
    hidden: z
      .array(z.int().positive().max(65_536))
      .min(1)
      .default([128])
      .meta({ description: 'widths of the hidden layers', role: 'structural' }),
    activation: activationOption('relu'),
    norm: normOption(['batch', 'layer', 'rms', 'weight']),
    dropout: dropoutOption,
    ...startOptions,
  }),
  make({ hidden, activation, norm, dropout: hasDropout, ...start }) {
    const [hasLengths, kind] = norm === 'weight' ? [true, 'none' as const] : [false, norm];
    const last = hidden.length;
    return {
      refuse: refuseSequences,
      sites: true,
      init(streams, { input, output }) {
        const [params, state]: [Tensors, Tensors] = [{}, {}];
        let from = sizeOf(input);
        hidden.forEach((width, layer) => {
          const fresh = newNorm(kind, `norm${layer}`, width);
          Object.assign(params, newWeights(hasLengths, start, streams, `w${layer}`, [from, width]));
          if (!addsBias(kind)) params[`b${layer}`] = zeros(width);
          Object.assign(params, fresh.params);
          Object.assign(state, fresh.state);
          from = width;
        });
        params[`w${last}`] = weights(start, streams, `w${last}`, [from, output]);
        params[`b${last}`] = zeros(output);
        return { params, state };
      },
      apply(params, state, x, context) {
        const [batch = 0] = x.shape;
        let h: tf.Tensor = x.reshape([batch, -1]);
        let after = state;
        for (let layer = 0; layer < last; layer++) {
          h = h.matMul(weightsOf(hasLengths, params, `w${layer}`));
          if (!addsBias(kind)) h = h.add(pick(params, `b${layer}`));
          ({ h, state: after } = normalize(kind, `norm${layer}`, h, params, after, context.training));
          h = dropout(activations[activation](site(`h${layer}`, h, context)), `dropout${layer}`, hasDropout, context);
        }
        const y = h.matMul(pick(params, `w${last}`)).add(pick(params, `b${last}`));
        return [y.as2D(batch, -1), after];
      },
    };
  },
};
