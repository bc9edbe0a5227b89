import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { lazyWhere } from '../lazy.ts';
import { normOf } from '../norms.ts';
import { pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const skip_non_finite: TransformPart<Record<string, never>, 'max_consecutive'> = {
  name: 'skip_non_finite',
  summary: 'Leaves out steps whose gradient is not finite, up to so many in a row.',
  equation: 'skip where an entry of g is NaN or infinite, unless it is so for more than max_consecutive steps in a row',
  reference: 'optax.apply_if_finite',
  scope: 'step',
  cost: 'R',
  options: z.strictObject({
    max_consecutive: z
      .int()
      .min(0)
      .default(5)
      .meta({
        description:
          'steps left out in a row, at most; the next is let through, for the run to end where nothing helps',
        role: 'numeric',
        threshold: true,
        search: { min: 1, max: 100, scale: 'log' },
      }),
  }),
  make: () => ({
    init: () => ({ consecutive: tf.scalar(0), total: tf.scalar(0) }),
    update(grads, state, { options: { max_consecutive } }) {
      const list = Object.values(grads);
      // Entries are looked at only where their norm isn't finite, which it may be without them: it may have overflowed.
      const [good = max_consecutive] = lazyWhere(
        tf.logicalNot(normOf(list).isFinite()),
        () => [
          tf
            .stack(list.map((g) => g.isFinite().all()))
            .all()
            .toFloat(),
        ],
        [tf.scalar(1)],
      );
      const isBad = good.equal(0);
      const consecutive = tf.where(isBad, pick(state, 'consecutive').add(1), 0).asScalar();
      const total = pick(state, 'total').add(isBad.toFloat()).asScalar();
      const skip = tf.logicalAnd(isBad, consecutive.lessEqual(max_consecutive)).asScalar();
      return {
        grads,
        state: { consecutive, total },
        skip,
        info: {
          clipped_fraction: skip.toFloat().asScalar(),
          threshold: max_consecutive,
          consecutive_non_finite: consecutive,
          total_non_finite: total,
        },
      };
    },
  }),
};
