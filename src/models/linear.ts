import { z } from 'zod';
import { refuseSequences, sizeOf } from '../layers/example.ts';
import { type Start, startOptions, weights, zeros } from '../layers/init.ts';
import { pick } from '../tensors.ts';
import type { ModelPart } from '../types.ts';

export const linear: ModelPart<Start> = {
  name: 'linear',
  summary: 'No hidden layer: softmax regression on classes, least squares on numbers.',
  equation: 'y = x W + b',
  reference: 'Cox 1958 (logistic regression); torch.nn.Linear',
  options: z.strictObject(startOptions),
  make: (start) => ({
    refuse: refuseSequences,
    init: (streams, { input, output }) => ({
      params: { w: weights(start, streams, 'w', [sizeOf(input), output]), b: zeros(output) },
      state: {},
    }),
    apply(params, state, x) {
      const [batch = 0] = x.shape;
      const y = x.reshape([batch, -1]).matMul(pick(params, 'w')).add(pick(params, 'b'));
      return [y.as2D(batch, -1), state];
    },
  }),
};
