/** A choice inside a step: what isn't chosen isn't computed. */
import type * as tf from '@tensorflow/tfjs';

export type LazyWhere = (when: tf.Tensor, yes: () => tf.Tensor[], no: tf.Tensor[]) => tf.Tensor[];

/** Eagerly the host looks at the value. */
const onHost: LazyWhere = (when, yes, no) => (when.dataSync()[0] ? yes() : no);

let choose = onHost;

/**
 * As tf.where with a bool scalar, for lists of tensors, but `yes` runs only where `when` holds. It makes as many tensors as
 * there are in `no`, of the same shapes. Gradients don't flow through.
 */
export const lazyWhere: LazyWhere = (when, yes, no) => choose(when, yes, no);

/** Runs `f` with another way to choose: a recording has to see what might be chosen. */
export function choosing<T>(otherwise: LazyWhere, f: () => T): T {
  const before = choose;
  choose = otherwise;
  try {
    return f();
  } finally {
    choose = before;
  }
}
