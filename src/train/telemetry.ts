/** What is measured in a step, the same for every strategy: norms free of overflow, whatever the strategy's semantics. */
import * as tf from '@tensorflow/tfjs';
import { lazyWhere } from '../lazy.ts';
import { cosine, normOf } from '../norms.ts';
import { flatten } from '../tensors.ts';
import type { Cell, Tensors } from '../types.ts';

export interface Measured {
  gradient: Tensors;
  clipped: Tensors;
  /** By how much the parameters changed. */
  update: Tensors;
  /** After the update. */
  params: Tensors;
}

/** Scalars of one step. param_norm is always there, since a run has diverged when it stops being finite. */
export function measure(level: Cell['telemetry'], measured: Measured): Record<string, tf.Scalar> {
  const { gradient, clipped, update, params } = measured;
  const watched: Record<string, Tensors> = {
    param_norm: params,
    ...(level !== 'off' && { grad_norm: gradient, clipped_norm: clipped }),
    ...(level === 'full' && { update_norm: update }),
  };
  const scalars = Object.fromEntries(
    Object.entries(watched).map(([name, tensors]) => [name, normOf(Object.values(tensors))]),
  );
  if (level !== 'full') return scalars;
  const { grad_norm = tf.scalar(0), clipped_norm = tf.scalar(0) } = scalars;
  return {
    ...scalars,
    cosine: cosine(Object.values(gradient), Object.values(clipped), grad_norm, clipped_norm),
    nonfinite_count: nonfinite(gradient, grad_norm),
  };
}

/** There are none where the norm is finite. */
function nonfinite(gradient: Tensors, norm: tf.Scalar): tf.Scalar {
  const [count = norm] = lazyWhere(
    tf.logicalNot(norm.isFinite()),
    () => [tf.logicalNot(flatten(gradient).isFinite()).sum().toFloat()],
    [tf.scalar(0)],
  );
  return count.asScalar();
}
