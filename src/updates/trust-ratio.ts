/** How far tensors may trust an update: in proportion to their own norms (You et al. 2017, 2020). */
import * as tf from '@tensorflow/tfjs';
import { groupNorms } from '../norms.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { Tensors } from '../types.ts';

/**
 * The update times factor coefficient ||w|| / ||u||, by tensor; the ratio with its coefficient is 1 where either norm is 0, as
 * in optax.scale_by_trust_ratio. It is 1 too where the quotient leaves float32's range: times an update of 0 it would be NaN.
 */
export function trusted(update: Tensors, params: Tensors, coefficient: tf.Scalar, factor: tf.Scalar): Tensors {
  const us = Object.values(update);
  const ws = Object.keys(update).map((name) => pick(params, name));
  const norms = groupNorms([...ws, ...us].map((tensor) => [tensor]));
  const ratio = norms.slice(0, ws.length).div(norms.slice(ws.length)).mul(coefficient);
  const isUsable = tf.logicalAnd(ratio.greater(0), ratio.less(Number.POSITIVE_INFINITY));
  const factors = named(update, tf.where(isUsable, ratio, tf.onesLike(ratio)).mul(factor).unstack());
  return mapTensors(update, (u, name) => u.mul(pick(factors, name)));
}
