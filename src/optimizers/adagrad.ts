import { z } from 'zod';
import { mapTensors, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { epsilonOption } from '../updates/moments.ts';

export const adagrad: TransformPart<Record<string, never>, 'epsilon'> = {
  name: 'adagrad',
  summary: 'The gradient over the root of the sum of all its squares so far.',
  equation: 's <- s + g^2;  w <- w - learning_rate g / (sqrt(s) + epsilon)',
  reference:
    'Duchi, Hazan & Singer 2011, Figure 1 (diagonal); torch.optim.Adagrad (the sum starts at 0; Keras and optax start at 0.1, with epsilon inside the root)',
  options: z.strictObject({ epsilon: epsilonOption(1e-10) }),
  make: () => ({
    init: zerosLike,
    update(grads, state, { options: { epsilon }, learning_rate }) {
      const sum = mapTensors(grads, (g, name) => pick(state, name).add(g.square()));
      const rate = learning_rate.neg();
      return {
        grads: mapTensors(grads, (g, name) => g.div(pick(sum, name).sqrt().add(epsilon)).mul(rate)),
        state: sum,
      };
    },
  }),
};
