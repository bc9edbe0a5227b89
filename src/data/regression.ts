/** Loss and metric of tasks whose target is numbers. */
import * as tf from '@tensorflow/tfjs';
import type { Metric, Task } from '../types.ts';

/**
 * Mean over the outputs of (y - target)^2, per example. With `huber` it goes on linearly from there: e^2 up to delta, then
 * 2 delta |e| - delta^2 (Huber 1964; twice torch.nn.HuberLoss, so that small errors count as without).
 */
export const squaredError: Task['loss'] = (y, target, { huber } = {}) => {
  const error = y.sub(target);
  if (huber === undefined) return error.square().mean(1).as1D();
  const size = error.abs();
  const small = tf.minimum(size, huber);
  return small.square().add(size.sub(small).mul(huber).mul(2)).mean(1).as1D();
};

/** As the loss, whatever controls there are on it. */
export const mse: Metric = { name: 'mse', better: 'lower', perExample: (y, target) => squaredError(y, target) };
