import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { axesOfUnits } from '../clipping/units.ts';
import { named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

type Axis = 'model' | 'last' | 'first';

export const centralize: TransformPart<{ unit_axis: Axis }> = {
  name: 'centralize',
  summary:
    "Takes the mean off the gradient of every unit's weights; vectors and scalars stay. No clipping: a comparator.",
  equation: 'g_u <- g_u - mean(g_u)',
  reference: 'Yong et al. 2020, equation 1; optax.centralize (unit_axis first)',
  scope: 'unit',
  cost: '2R + W',
  options: z.strictObject({
    unit_axis: z.enum(['model', 'last', 'first']).default('model').meta({
      description:
        "what a unit is: model: an index of the last axis, in embeddings of the first; last (TensorFlow's layout) or first (PyTorch's, and what optax does) of all",
      role: 'structural',
    }),
  }),
  make: ({ unit_axis }) => ({
    init: () => ({}),
    update(grads, state) {
      const list = Object.entries(grads).map(([name, g]) => centred(g, axesOfUnits(name, g.shape, unit_axis)));
      return {
        grads: named(
          grads,
          list.map(({ g }) => g),
        ),
        state,
        info: { clipped_fraction: shareOf(list.map(({ means }) => means.abs().greater(0))) },
      };
    },
  }),
};

function centred(g: tf.Tensor, axes: number[]): { g: tf.Tensor; means: tf.Tensor } {
  if (axes.length === 0) return { g, means: tf.scalar(0) };
  const entries = axes.reduce((n, axis) => n * (g.shape[axis] ?? 1), 1);
  // Divided before they are added, so that the sum doesn't overflow.
  const means = g.div(entries).sum(axes, true);
  return { g: g.sub(means), means };
}
