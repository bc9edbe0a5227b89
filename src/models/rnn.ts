import { z } from 'zod';
import { glorot, orthogonal, zeros } from '../layers/init.ts';
import { recurrence } from '../layers/recurrence.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';

export const rnn: ModelPart<{ hidden: number[] }> = {
  name: 'rnn',
  summary: 'Vanilla recurrent network with tanh; the last state of the last layer gives the output.',
  equation: 'h_t = tanh(x_t W + h_(t-1) U + b);  y = h_T V + c',
  reference: 'Elman 1990; Pascanu, Mikolov & Bengio 2013, eq. 2; orthogonal start of U (Saxe et al. 2014)',
  options: z.strictObject({
    hidden: z
      .array(z.int().positive().max(4096))
      .min(1)
      .default([64])
      .meta({ description: 'widths of the recurrent layers', role: 'structural' }),
  }),
  make({ hidden }) {
    return {
      refuse: ({ input }) =>
        input.length === 2
          ? undefined
          : `reads sequences [time, features], not examples of shape [${input.join(', ')}]`,
      init(streams, { input, output }) {
        const params: Tensors = {};
        let from = input[1] ?? 0;
        hidden.forEach((width, layer) => {
          params[`w${layer}`] = glorot(streams, `w${layer}`, from, width);
          params[`u${layer}`] = orthogonal(streams, `u${layer}`, width);
          params[`b${layer}`] = zeros(width);
          from = width;
        });
        params.v = glorot(streams, 'v', from, output);
        params.c = zeros(output);
        return { params, state: {} };
      },
      apply(params, state, x) {
        const [batch = 0, time = 0] = x.shape;
        // Time first: the numbers of one time lie together.
        let h = x.transpose([1, 0, 2]);
        hidden.forEach((width, layer) => {
          // One product for all times; only h U has to wait for the state before it.
          const inputs = h
            .reshape([time * batch, -1])
            .matMul(pick(params, `w${layer}`))
            .add(pick(params, `b${layer}`));
          const states = layer === hidden.length - 1 ? 'last' : 'all';
          h = recurrence(inputs.reshape([time, batch, width]), pick(params, `u${layer}`), states);
        });
        const y = h.matMul(pick(params, 'v')).add(pick(params, 'c'));
        return [y.as2D(batch, -1), state];
      },
    };
  },
};
