import { z } from 'zod';
import { mapTensors, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { momentumOption, withMomentum } from '../updates/momentum.ts';

export const sgd: TransformPart<{ momentum: boolean; nesterov: boolean }, 'momentum'> = {
  name: 'sgd',
  summary: 'Stochastic gradient descent with momentum: heavy-ball or Nesterov.',
  equation:
    'm <- momentum * m + g;  w <- w - learning_rate * m;  nesterov: w <- w - learning_rate * (g + momentum * m)',
  reference: 'torch.optim.SGD: the rate multiplies the whole buffer, dampening is 0',
  options: z.strictObject({
    momentum: momentumOption(0, 'share of the last update that is kept; 0 is plain SGD'),
    nesterov: z
      .boolean()
      .default(false)
      .meta({ description: 'looks one step of momentum ahead; without momentum no different', role: 'structural' }),
  }),
  make: ({ momentum: hasMomentum, nesterov }) => ({
    init: (params) => (hasMomentum ? zerosLike(params) : {}),
    update(grads, state, { options: { momentum }, learning_rate }) {
      const buffer = hasMomentum ? withMomentum(state, momentum, grads) : grads;
      const direction = hasMomentum && nesterov ? withMomentum(buffer, momentum, grads) : buffer;
      return {
        grads: mapTensors(direction, (u) => u.mul(learning_rate.neg())),
        state: hasMomentum ? buffer : {},
      };
    },
  }),
};
