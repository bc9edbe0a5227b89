/** What is measured in a step, the same for every strategy: norms free of overflow, whatever the strategy's semantics. */
import * as tf from '@tensorflow/tfjs';
import { rowNorms } from '../norms.ts';
import { flatten } from '../tensors.ts';
import type { Cell, Tensors } from '../types.ts';

export interface Measured {
  gradient: Tensors;
  clipped: Tensors;
  /** What was added to the parameters. */
  update: Tensors;
  /** After the update. */
  params: Tensors;
}

/**
 * Scalars of one step. param_norm is always there, since a run has diverged when it stops being finite. All vectors have
 * the same length, so one pass over a stack of them gives every norm.
 */
export function measure(level: Cell['telemetry'], measured: Measured): Record<string, tf.Scalar> {
  const { gradient, clipped, update, params } = measured;
  const watched: Record<string, Tensors> = {
    param_norm: params,
    ...(level !== 'off' && { grad_norm: gradient, clipped_norm: clipped }),
    ...(level === 'full' && { update_norm: update }),
  };
  const names = Object.keys(watched);
  const rows = tf.stack(Object.values(watched).map(flatten)).as2D(names.length, -1);
  // Vectorized sums depend on where in memory they begin. Rows of full cache lines all begin alike, so that equal rows
  // have equal norms, bit for bit.
  const { norms, scaled } = rowNorms(
    rows.pad([
      [0, 0],
      [0, -rows.shape[1] & 15],
    ]),
  );
  const scalars: Record<string, tf.Scalar> = {};
  norms.unstack<tf.Scalar>().forEach((norm, i) => {
    scalars[names[i] ?? ''] = norm;
  });
  if (level === 'full') {
    const [before, after] = [names.indexOf('grad_norm'), names.indexOf('clipped_norm')].map((i) => scaled.slice(i, 1));
    if (before !== undefined && after !== undefined) scalars.cosine = cosine(before, after);
    scalars.nonfinite_count = tf.logicalNot(flatten(gradient).isFinite()).sum().toFloat().asScalar();
  }
  return scalars;
}

/** Of two vectors scaled so that their squares stay in range; NaN where one is zero. */
function cosine(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return a.mul(b).sum().div(a.square().sum().sqrt().mul(b.square().sum().sqrt())).asScalar();
}
