import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { mapTensors } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const backward_value: TransformPart<Record<string, never>, 'clip_value'> = {
  name: 'backward_value',
  summary:
    'Clips inside back-propagation: every entry of the gradient by what activations are taken of, before it goes further back.',
  equation: 'dz <- max(min(dz, clip_value), -clip_value) for z of each hidden layer, at each time',
  reference:
    'Graves 2013, section 2.1 (derivatives by the inputs of LSTM layers); theano.gradient.grad_clip; tf.custom_gradient whose gradient is tf.clip_by_value',
  scope: 'backward',
  cost: 'R + W of every hidden layer',
  needs: 'backward',
  options: z.strictObject({
    clip_value: z
      .number()
      .positive()
      .meta({
        description:
          "largest absolute value of an entry; the loss is the mean over the batch, so an example's entries are the smaller the larger the batch",
        role: 'numeric',
        threshold: true,
        search: { min: 1e-5, max: 1, scale: 'log' },
      }),
  }),
  make: () => ({
    init: () => ({}),
    update(grads, state, { options: { clip_value } }) {
      return {
        grads: mapTensors(grads, (dz) => tf.maximum(tf.minimum(dz, clip_value), clip_value.neg())),
        state,
        info: {
          clipped_fraction: shareOf(Object.values(grads).map((dz) => dz.abs().greater(clip_value))),
          threshold: clip_value,
        },
      };
    },
  }),
};
