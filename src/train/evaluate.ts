/** Loss and metric of a model on a whole split. */
import * as tf from '@tensorflow/tfjs';
import { rowSizes } from '../data/examples.ts';
import { toDevice } from '../engine/eager.ts';
import type { Batch, HostTensors, Model, Task } from '../types.ts';

/** Examples looked at in one call. */
const CHUNK = 500;

export interface Score {
  loss: number;
  /** The task's metric; NaN where the loss isn't finite, since arg max means nothing then. */
  metric: number;
}

/**
 * Every example once, in chunks of one size: the last is filled up with zeros that don't count. Means are taken on the
 * host in double, in the order of the examples.
 */
export function evaluate(task: Task, model: Model, params: HostTensors, state: HostTensors, examples: Batch): Score {
  const { x, y } = rowSizes(task.shape);
  const device = { params: toDevice(params), state: toDevice(state) };
  let loss = 0;
  let metric = 0;
  for (let start = 0; start < examples.size; start += CHUNK) {
    const count = Math.min(CHUNK, examples.size - start);
    const chunk = { x: new Float32Array(CHUNK * x), y: new Float32Array(CHUNK * y) };
    chunk.x.set(examples.x.subarray(start * x, (start + count) * x));
    chunk.y.set(examples.y.subarray(start * y, (start + count) * y));
    const scores = tf.tidy(() => {
      const inputs = tf.tensor(chunk.x, [CHUNK, ...task.shape.input]);
      const target = tf.tensor2d(chunk.y, [CHUNK, y]);
      const [output] = model.apply(device.params, device.state, inputs, { training: false });
      return tf.stack([task.loss(output, target), task.metric.perExample(output, target)]).dataSync();
    });
    for (let i = 0; i < count; i++) {
      loss += scores[i] ?? 0;
      metric += scores[CHUNK + i] ?? 0;
    }
  }
  tf.dispose(device);
  const mean = loss / examples.size;
  return { loss: mean, metric: Number.isFinite(mean) ? metric / examples.size : Number.NaN };
}
