import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { mapTensors, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

const rescales = ['timm', 'coptim'] as const;
type Rescale = (typeof rescales)[number];

/** What the entries that are left are multiplied with, so that a tensor's step is about as long as before. */
const factors: Record<Rescale, (mask: tf.Tensor) => tf.Tensor> = {
  timm: (mask) => tf.maximum(mask.mean(), 1e-3).reciprocal(),
  coptim: (mask) => mask.sum().add(1).reciprocal().mul(mask.size),
};

/**
 * Works on what an optimizer made of the gradient, as a direction that is taken off the weights: u points along g where
 * both have the same sign. Given what is added to the weights instead, it would keep the wrong entries.
 */
export const cautious: TransformPart<{ rescale: Rescale }> = {
  name: 'cautious',
  summary:
    'Leaves out the entries of an update that go against the gradient, and lengthens the others. No clipping: a comparator.',
  equation: 'u_i <- u_i [u_i g_i > 0] * n / (number kept + 1);  timm: / max(share kept, 0.001)',
  reference: 'Liang et al. 2024 (cautious optimizers), Algorithm 1; their code C-Optim (coptim); timm.optim',
  scope: 'element',
  cost: '3R + W',
  options: z.strictObject({
    rescale: z.enum(rescales).default('timm').meta({
      description: 'whose factor on the entries that are left, tensor by tensor',
      role: 'structural',
    }),
  }),
  make: ({ rescale }) => ({
    init: () => ({}),
    update(grads, state, { gradient }) {
      // Signs, not values: a product of two small ones is 0 in float32.
      const masks = mapTensors(grads, (u, name) => u.sign().mul(pick(gradient, name).sign()).greater(0).toFloat());
      const isLeftOut = (u: tf.Tensor, name: string) => tf.logicalAnd(pick(masks, name).equal(0), u.abs().greater(0));
      return {
        // Times 0, not replaced by it: NaN stays NaN.
        grads: mapTensors(grads, (u, name) => u.mul(pick(masks, name)).mul(factors[rescale](pick(masks, name)))),
        state,
        info: { clipped_fraction: shareOf(Object.values(mapTensors(grads, isLeftOut))) },
      };
    },
  }),
};
