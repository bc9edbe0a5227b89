import { z } from 'zod';
import { gru as gruLayer } from '../layers/gru.ts';
import { zeros } from '../layers/init.ts';
import { type RecurrentOptions, recurrentModel, recurrentOptions } from '../layers/recurrent-model.ts';
import { pick } from '../tensors.ts';
import type { ModelPart } from '../types.ts';

export const gru: ModelPart<RecurrentOptions> = {
  name: 'gru',
  summary: 'Gated recurrent units; the last state of the last layer gives the output, or each state one.',
  equation:
    'r, z = sigmoid(x_t W + b + h_(t-1) U + bu);  n = tanh(x_t W + b + r (h_(t-1) U + bu)), each with its parts of W, U, b, bu;  ' +
    'h_t = (1 - z) n + z h_(t-1);  y = h_T V + c',
  reference: 'Cho et al. 2014, in the form of torch.nn.GRU: the reset gate acts after the product with U',
  options: z.strictObject({ ...recurrentOptions }),
  make(structure) {
    return recurrentModel(
      {
        gates: 3,
        biases: { b: (width) => zeros(3 * width), bu: (width) => zeros(3 * width) },
        run: (inputs, own, states, _context, onGradient) =>
          gruLayer(inputs, pick(own, 'u'), pick(own, 'bu'), states, onGradient),
      },
      structure,
    );
  },
};
