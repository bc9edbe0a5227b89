import { z } from 'zod';
import { mapTensors, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const sgd: TransformPart<{ momentum: boolean }, 'momentum'> = {
  name: 'sgd',
  summary: 'Stochastic gradient descent with (heavy-ball) momentum.',
  equation: 'm <- momentum * m + g;  w <- w - learning_rate * m',
  reference: 'torch.optim.SGD: the rate multiplies the whole buffer, dampening is 0',
  options: z.strictObject({
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .meta({ description: 'share of the last update that is kept; 0 is plain SGD', role: 'numeric', absent: 0 }),
  }),
  make: ({ momentum: hasMomentum }) => ({
    init: (params) => (hasMomentum ? zerosLike(params) : {}),
    update(grads, state, { options: { momentum }, learning_rate }) {
      const buffer = hasMomentum ? mapTensors(grads, (g, name) => pick(state, name).mul(momentum).add(g)) : grads;
      return {
        grads: mapTensors(buffer, (m) => m.mul(learning_rate.neg())),
        state: hasMomentum ? buffer : {},
      };
    },
  }),
};
