import { z } from 'zod';
import { join } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import {
  type MomentNumbers,
  momentConstants,
  momentOptions,
  newMoments,
  nextMoments,
  normalizedMean,
} from '../updates/moments.ts';

export const adam: TransformPart<Record<string, never>, MomentNumbers> = {
  name: 'adam',
  summary: 'Running means of the gradient and its square, corrected for their start at zero.',
  equation:
    'm <- beta1 m + (1-beta1) g;  v <- beta2 v + (1-beta2) g^2;  w <- w - learning_rate m^ / (sqrt(v^) + epsilon)',
  reference: 'Kingma & Ba 2015, Algorithm 1; torch.optim.Adam (epsilon outside the root, after the correction)',
  options: z.strictObject(momentOptions(1e-8)),
  derive: momentConstants,
  make: () => ({
    init: newMoments,
    update(grads, state, { options, learning_rate }) {
      const moments = nextMoments(grads, state, options);
      return { grads: normalizedMean(moments, options.epsilon, learning_rate.neg()), state: join(moments) };
    },
  }),
};
