import { z } from 'zod';
import { zeros } from '../layers/init.ts';
import { recurrence } from '../layers/recurrence.ts';
import { type RecurrentOptions, recurrentModel, recurrentOptions } from '../layers/recurrent-model.ts';
import { pick } from '../tensors.ts';
import type { ModelPart } from '../types.ts';

export const rnn: ModelPart<{ activation: 'tanh' | 'relu'; omega: boolean } & RecurrentOptions> = {
  name: 'rnn',
  summary: 'Vanilla recurrent network; the last state of the last layer gives the output, or each state one.',
  equation: 'h_t = activation(x_t W + h_(t-1) U + b);  y = h_T V + c',
  reference:
    'Elman 1990; Pascanu, Mikolov & Bengio 2013, eq. 2 and, for omega, 9 and 10; orthogonal start of U (Saxe et al. 2014); ' +
    'relu with an identity start is the IRNN of Le, Jaitly & Hinton 2015',
  options: z.strictObject({
    ...recurrentOptions,
    activation: z
      .enum(['tanh', 'relu'])
      .default('tanh')
      .meta({ description: 'of the recurrent layers', role: 'structural' }),
    omega: z.number().min(0).default(0).meta({
      description:
        'factor on the regularizer Omega, a sum over times, which keeps gradients from vanishing; acts on U alone',
      role: 'numeric',
      absent: 0,
    }),
  }),
  make({ activation, omega: hasOmega, ...others }) {
    return recurrentModel(
      {
        gates: 1,
        biases: { b: zeros },
        run: (inputs, own, states, { options }, onGradient) =>
          recurrence(inputs, pick(own, 'u'), states, {
            activation,
            omega: hasOmega ? options?.omega : undefined,
            onGradient,
          }),
      },
      others,
    );
  },
};
