/** Loss and metric of tasks whose target is one of several classes. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Metric, Task } from '../types.ts';

/** Cross-entropy of softmax(y) with one-hot targets, per example: logSoftmax keeps it exact where softmax underflows. */
export const crossEntropy: Task['loss'] = (y, target, { label_smoothing } = {}) => {
  const logs = tf.logSoftmax(y);
  const loss = logs.mul(target).sum(1).neg();
  return label_smoothing === undefined ? loss.as1D() : smoothed(loss, logs, label_smoothing);
};

/** The loss as if `share` of the target were spread evenly over all classes; `logs` are the log-probabilities [..., classes]. */
export function smoothed(loss: tf.Tensor, logs: tf.Tensor, share: tf.Scalar): tf.Tensor1D {
  return loss.mul(share.neg().add(1)).sub(logs.mean(-1).mul(share)).as1D();
}

/** 1 where the largest output is the right class. */
export const accuracy: Metric = {
  name: 'accuracy',
  better: 'higher',
  perExample: (y, target) => y.argMax(1).equal(target.argMax(1)).toFloat().as1D(),
};

/** Shares of the examples, by name. */
export const shares = {
  accuracy,
  error: {
    name: 'error',
    better: 'lower',
    perExample: (y, target) => accuracy.perExample(y, target).neg().add(1).as1D(),
  },
} satisfies Record<string, Metric>;
export type Share = keyof typeof shares;

export const shareOption = z.enum(['accuracy', 'error']).default('accuracy').meta({
  description: 'accuracy: share of examples whose class is right; error: share of the others',
  role: 'structural',
  measure: true,
});
