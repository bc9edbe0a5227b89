/** Loss and metric of a model on whole splits. */
import * as tf from '@tensorflow/tfjs';
import { rowSizes } from '../data/examples.ts';
import { group, join, pick } from '../tensors.ts';
import type { Application, Batch, Engine, HostTensors, Model, Task, Tensors } from '../types.ts';

/** Examples looked at in one call. */
const CHUNK = 500;

export interface Score {
  loss: number;
  /** The task's metric. Where the loss isn't finite, a finite one means nothing (arg max of NaN is a class) and is NaN. */
  metric: number;
}

/** With what ranks evaluations: the metric's mean before its function, such as exp, which may overflow. */
export interface Ranked extends Score {
  mean: number;
}

/** What is evaluated. */
export interface Weights {
  params: HostTensors;
  /** Running statistics and the like. */
  state: HostTensors;
}

export interface Evaluated {
  task: Task;
  model: Model;
  /** What shapes the computation. */
  structure: string;
}

/** A score for each of the splits. */
export function evaluate(
  engine: Engine,
  { task, model, structure }: Evaluated,
  { params, state }: Weights,
  splits: Batch[],
): Ranked[] {
  const perExample = (held: Tensors, inputs: Tensors) => {
    const target = pick(inputs, 'y').as2D(CHUNK, -1);
    const context = { training: false, shape: task.shape };
    const [output] = model.apply(group(held, 'params'), group(held, 'model'), pick(inputs, 'x'), context);
    return tf.stack([task.loss(output, target), task.metric.perExample(output, target)]);
  };
  const scorer = engine.apply(`evaluation ${structure}`, perExample, join({ params, model: state }));
  const scores = splits.map((examples) => scoreOf(task, scorer, examples));
  scorer.dispose();
  return scores;
}

/**
 * Every example once, in chunks of one size: the last is filled up with zeros that don't count. Means are taken on the
 * host in double, in the order of the examples.
 */
function scoreOf({ shape, metric: { of = (mean) => mean } }: Task, scorer: Application, examples: Batch): Ranked {
  const { x, y } = rowSizes(shape);
  let loss = 0;
  let metric = 0;
  for (let start = 0; start < examples.size; start += CHUNK) {
    const count = Math.min(CHUNK, examples.size - start);
    const chunk = { x: new Float32Array(CHUNK * x), y: new Float32Array(CHUNK * y) };
    chunk.x.set(examples.x.subarray(start * x, (start + count) * x));
    chunk.y.set(examples.y.subarray(start * y, (start + count) * y));
    const scores = scorer.call({
      x: { shape: [CHUNK, ...shape.input], values: chunk.x },
      y: { shape: [CHUNK, y], values: chunk.y },
    });
    for (let i = 0; i < count; i++) {
      loss += scores[i] ?? 0;
      metric += scores[CHUNK + i] ?? 0;
    }
  }
  const means = { loss: loss / examples.size, metric: metric / examples.size };
  const isHollow = !Number.isFinite(means.loss) && Number.isFinite(means.metric);
  const mean = isHollow ? Number.NaN : means.metric;
  return { loss: means.loss, metric: of(mean), mean };
}
