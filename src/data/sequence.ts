/**
 * Loss and metric of tasks with an output for each time of a sequence: `y` is [batch, times * classes], row-major by
 * time, `target` [batch, times] of class numbers.
 */
import * as tf from '@tensorflow/tfjs';
import type { Task } from '../types.ts';
import { crossEntropy } from './classification.ts';

/** Cross-entropy of softmax(y), mean over the times of each example, in nats. */
export function crossEntropyOverTimes(classes: number): Task['loss'] {
  return (y, target, controls) => {
    const [batch, times] = target.shape;
    const right = tf.oneHot(target.flatten().toInt(), classes).toFloat().as2D(-1, classes);
    return crossEntropy(y.as2D(-1, classes), right, controls).as2D(batch, times).mean(1).as1D();
  };
}

/** Share of the last so many times at which the largest output is the right class, per example. */
export function accuracyAtEnd(classes: number, count: number): Task['metric']['perExample'] {
  return (y, target) => {
    const [batch, times] = target.shape;
    const best = y.reshape([batch, times, classes]).argMax(2).as2D(batch, times);
    const right = best.equal(target.toInt()).toFloat().as2D(batch, times);
    return right
      .slice([0, times - count], [batch, count])
      .mean(1)
      .as1D();
  };
}
