import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { lstm as lstmLayer } from '../layers/lstm.ts';
import { type RecurrentOptions, recurrentModel, recurrentOptions } from '../layers/recurrent-model.ts';
import { pick } from '../tensors.ts';
import type { ModelPart } from '../types.ts';

export const lstm: ModelPart<{ forget_bias: number } & RecurrentOptions> = {
  name: 'lstm',
  summary: 'Long short-term memory; the last state of the last layer gives the output, or each state one.',
  equation:
    'i, f, g, o = x_t W + h_(t-1) U + b;  c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g);  h_t = sigmoid(o) tanh(c_t);  ' +
    'y = h_T V + c',
  reference:
    'Hochreiter & Schmidhuber 1997; forget gate by Gers, Schmidhuber & Cummins 2000; torch.nn.LSTM with one bias instead of ' +
    'two; forget bias of 1 (Jozefowicz, Zaremba & Sutskever 2015)',
  options: z.strictObject({
    ...recurrentOptions,
    forget_bias: z
      .number()
      .default(1)
      .meta({ description: 'where the biases of the forget gates start', role: 'structural' }),
  }),
  make({ forget_bias, ...others }) {
    return recurrentModel(
      {
        gates: 4,
        biases: { b: (width) => forgetting(width, forget_bias) },
        run: (inputs, own, states, _context, onGradient) => lstmLayer(inputs, pick(own, 'u'), states, onGradient),
      },
      others,
    );
  },
};

/** The biases of i, f, g and o: zeros but for f. */
function forgetting(width: number, bias: number): tf.Tensor1D {
  return tf.tensor1d(new Float32Array(4 * width).fill(bias, width, 2 * width));
}
