import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { finiteOr } from '../clipping/finite.ts';
import { shortened } from '../norms.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const clip21: TransformPart<Record<string, never>, 'max_norm'> = {
  name: 'clip21',
  summary: 'Every worker clips how far its gradient is from what it sent before, so that no gradient stays clipped.',
  equation: 'v_i <- v_i + clip(g_i - v_i, max_norm);  g <- mean of v_i',
  reference: 'Khirirat et al. 2023 (Clip21), Algorithm 1; the workers are the micro-batches of `accumulate`',
  scope: 'global',
  cost: '3R + 2W and keeps N, for each worker',
  needs: 'micro_batch',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: "largest norm of a worker's step from what it sent before",
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
  }),
  make: () => ({
    init: (params, workers = 1) => mapTensors(params, ({ shape }) => tf.zeros([workers, ...shape])),
    update(grads, state, { options: { max_norm } }) {
      const differences = Object.entries(grads).map(([name, g]) => g.sub(pick(state, name)).unstack());
      const { groups, norms } = shortened(transposed(differences), max_norm);
      const steps = named(
        grads,
        transposed(groups).map((each) => tf.stack(each)),
      );
      const sent = mapTensors(steps, (step, name) => pick(state, name).add(step));
      return {
        grads: mapTensors(sent, (v) => v.mean(0)),
        // What came of a gradient that isn't finite is applied, and forgotten.
        state: mapTensors(sent, (v, name) => finiteOr(pick(state, name), v)),
        info: {
          clipped_fraction: norms.greater(max_norm).toFloat().mean().asScalar(),
          threshold: max_norm,
          difference_norm: norms.mean().asScalar(),
        },
      };
    },
  }),
};

/** Lists by parameter as lists by worker, and back. */
const transposed = (lists: tf.Tensor[][]): tf.Tensor[][] =>
  (lists[0] ?? []).map((_, i) => lists.flatMap((list) => list.slice(i, i + 1)));
