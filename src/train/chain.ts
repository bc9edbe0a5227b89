/** Several strategies, one after the other, as one. */
import * as tf from '@tensorflow/tfjs';
import { group, join } from '../tensors.ts';
import type { Tensors, Transform, Update } from '../types.ts';

/**
 * Each member sees its own options and state (prefixed with its key) and the gradient the member before it left. The
 * chain has clipped what any member clipped; the members' own fractions and thresholds become signals. Without members the gradient
 * passes.
 */
export function chain(members: Record<string, Transform>): Transform {
  const entries = Object.entries(members);
  return {
    init: (params, parts) =>
      join(Object.fromEntries(entries.map(([key, member]) => [key, member.init(params, parts)]))),
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
      return { grads: current, state: join(states), info: summary(infos), ...skipOf(skips) };
    },
  };
}

/** What members report, by key, and for all of them what has a meaning for a run. */
export function summary(infos: Record<string, Record<string, tf.Scalar>>): Record<string, tf.Scalar> {
  const each = Object.values(infos);
  const most = (name: string) =>
    tf
      .stack(each.flatMap((info) => info[name] ?? []))
      .max()
      .asScalar();
  return {
    ...join(infos),
    // A member that reports none leaves it to the norms before and after.
    ...(each.length > 0 &&
      each.every((info) => 'clipped_fraction' in info) && { clipped_fraction: most('clipped_fraction') }),
    ...(each.some((info) => 'raised' in info) && { raised: most('raised') }),
  };
}

/** A step is left out where one of them says so. */
export function skipOf(skips: tf.Scalar[]): Pick<Update, 'skip'> {
  return skips.length === 0 ? {} : { skip: tf.stack(skips).any().asScalar() };
}
