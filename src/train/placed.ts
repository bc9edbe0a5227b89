/** A strategy as it is used: on some parameters only, and with a say on what isn't finite. */
import * as tf from '@tensorflow/tfjs';
import { isSeen } from '../clipping/patterns.ts';
import { mapTensors, pick } from '../tensors.ts';
import type { Placement, Tensors, Transform, Update, UpdateContext } from '../types.ts';

export function placed(transform: Transform, { include, exclude, non_finite }: Placement): Transform {
  const guarded = non_finite === undefined ? transform : guard(transform, non_finite);
  return include === undefined && exclude === undefined ? guarded : restrict(guarded, include, exclude);
}

/** The others' gradients pass as they are; where gradients of several micro-batches come, as their mean. */
function restrict(transform: Transform, include?: string[], exclude?: string[]): Transform {
  const seen = (tensors: Tensors): Tensors =>
    Object.fromEntries(Object.entries(tensors).filter(([name]) => isSeen(name, include, exclude)));
  const narrowed = (context: UpdateContext): UpdateContext => ({
    ...context,
    params: seen(context.params),
    gradient: seen(context.gradient),
  });
  return {
    init: (params, parts) => transform.init(seen(params), parts),
    ...(transform.statistic && {
      statistic: (grads, context) => transform.statistic?.(seen(grads), narrowed(context)) ?? tf.scalar(Number.NaN),
    }),
    update(grads, state, context) {
      const { params } = context;
      const own = seen(grads);
      // Nothing is seen: nothing to take a norm of.
      const update: Update =
        Object.keys(own).length === 0 ? { grads: {}, state } : transform.update(own, state, narrowed(context));
      const passed = (g: tf.Tensor, name: string) => (g.rank > pick(params, name).rank ? g.mean(0) : g);
      return { ...update, grads: mapTensors(grads, (g, name) => update.grads[name] ?? passed(g, name)) };
    },
  };
}

function guard(transform: Transform, policy: NonNullable<Placement['non_finite']>): Transform {
  return {
    ...transform,
    update(grads, state, context) {
      const allFinite = tf.stack(Object.values(grads).map((g) => g.isFinite().all())).all();
      if (policy === 'raise') {
        const { overflowed, ...update } = transform.update(grads, state, context);
        const isSound = overflowed === undefined ? allFinite : tf.logicalAnd(allFinite, tf.logicalNot(overflowed));
        return { ...update, info: { ...update.info, raised: tf.logicalNot(isSound).toFloat().asScalar() } };
      }
      // What isn't finite would stay in the state of a strategy for good.
      const cleaned = mapTensors(grads, (g) => tf.where(g.isFinite(), g, tf.zerosLike(g)));
      const update = transform.update(cleaned, state, context);
      if (policy === 'zero') return update;
      const skips = tf.logicalNot(allFinite);
      return {
        ...update,
        state: mapTensors(update.state, (tensor, name) => tf.where(allFinite, tensor, pick(state, name))),
        skip: (update.skip === undefined ? skips : tf.logicalOr(skips, update.skip)).asScalar(),
      };
    },
  };
}
