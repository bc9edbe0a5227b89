/** Loss and metric of tasks whose target is one of several classes. */
import * as tf from '@tensorflow/tfjs';
import type { Task } from '../types.ts';

/** Cross-entropy of softmax(y) with one-hot targets, per example: logSoftmax keeps it exact where softmax underflows. */
export const crossEntropy: Task['loss'] = (y, target) => tf.logSoftmax(y).mul(target).sum(1).neg().as1D();

/** 1 where the largest output is the right class. */
export const accuracy: Task['metric'] = {
  name: 'accuracy',
  better: 'higher',
  perExample: (y, target) => y.argMax(1).equal(target.argMax(1)).toFloat().as1D(),
};
