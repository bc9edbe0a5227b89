/** Several strategies, one after the other, as one. */
import * as tf from '@tensorflow/tfjs';
import { group, join } from '../tensors.ts';
import type { Tensors, Transform } from '../types.ts';

/**
 * Each member sees its own options and state (prefixed with its key) and the gradient the member before it left. The
 * chain has clipped what any member clipped; the members' own fractions and thresholds become signals.
 */
export function chain(members: Record<string, Transform>): Transform {
  const entries = Object.entries(members);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return only[1];
  return {
    init: (params) => join(Object.fromEntries(entries.map(([key, member]) => [key, member.init(params)]))),
    update(grads, state, context) {
      let current = grads;
      const states: Record<string, Tensors> = {};
      const infos: Record<string, Record<string, tf.Scalar>> = {};
      const skips: tf.Scalar[] = [];
      for (const [key, member] of entries) {
        const update = member.update(current, group(state, key), { ...context, options: group(context.options, key) });
        current = update.grads;
        states[key] = update.state;
        infos[key] = update.info ?? {};
        if (update.skip !== undefined) skips.push(update.skip);
      }
      const fractions = Object.values(infos).flatMap(({ clipped_fraction }) => clipped_fraction ?? []);
      const info = join(infos);
      // A member that reports none leaves it to the norms before and after.
      if (fractions.length === entries.length) info.clipped_fraction = tf.stack(fractions).max().asScalar();
      const update = { grads: current, state: join(states), info };
      return skips.length === 0 ? update : { ...update, skip: tf.stack(skips).any().asScalar() };
    },
  };
}
