import { z } from 'zod';
import type { TransformPart } from '../types.ts';

export const none: TransformPart = {
  name: 'none',
  summary: 'No clipping: the baseline of every comparison.',
  equation: 'g <- g',
  reference: 'the definition of gradient descent',
  scope: 'global',
  cost: '0',
  options: z.strictObject({}),
  make: () => ({
    init: () => ({}),
    update: (grads, state) => ({ grads, state }),
  }),
};
