/**
 * What is timed: training steps of clipbench's own models, the same in every system. The Python systems have theirs in peers_*.py;
 * that all of them compute the same is checked with every run.
 */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { crossEntropy } from '../../src/data/classification.ts';
import { crossEntropyOverTimes } from '../../src/data/sequence.ts';
import { build, find, parts } from '../../src/parts.ts';
import type { Model, OptionValue, TaskShape, Tensors } from '../../src/types.ts';
import { cnnPlainly, decoderPlainly, gruPlainly, lstmPlainly, mlpPlainly, rnnPlainly } from './plain.ts';

export type Shapes = Record<string, number[]>;

export interface Training {
  name: string;
  /** Clipbench's; the options that aren't given are at their defaults. */
  model: { name: string } & Record<string, OptionValue>;
  /** Of one example. */
  task: TaskShape;
  batch: number;
  optimizer: 'sgd' | 'adam';
  learning_rate: number;
  /** With `fast`, clipbench has XLA compile it. */
  small?: boolean;
  /** Logits as a user of tfjs would write them. */
  plainly(params: Tensors, x: tf.Tensor): tf.Tensor;
}

export interface Clipping {
  name: string;
  clip: 'value' | 'norm' | 'global_norm';
  params: Shapes;
}

/** Mean cross-entropy of one-hot classes, or of the next token at each time. */
export function meanLoss({ task: { vocabulary } }: Training, logits: tf.Tensor, y: tf.Tensor): tf.Scalar {
  const loss = vocabulary === undefined ? crossEntropy : crossEntropyOverTimes(vocabulary);
  const rows = (tensor: tf.Tensor) => tensor.as2D(tensor.shape[0] ?? 0, -1);
  return loss(rows(logits), rows(y)).mean();
}

const optionsSchema = z.record(z.string(), z.custom<OptionValue>());

export function modelOf({ model: { name, ...given } }: Training): Model {
  const part = find(parts.models, name);
  return build(part, { name, options: optionsSchema.parse(part.options.parse(given)) });
}

/** Of a work's parameters, or of the gradients that it clips. */
export function shapesOf(work: Training | Clipping): Shapes {
  if ('clip' in work) return work.params;
  return tf.tidy(() => {
    const { params } = modelOf(work).init(() => undefined, work.task);
    return Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]));
  });
}

function mlp(
  name: string,
  [input = 0, ...others]: number[],
  batch: number,
  rest: Pick<Training, 'optimizer' | 'learning_rate'>,
): Training {
  const [output = 0, ...hidden] = [...others.slice(-1), ...others.slice(0, -1)];
  const model = { name: 'mlp', hidden, activation: 'relu' };
  return { name, model, task: { input: [input], output }, batch, ...rest, plainly: mlpPlainly };
}

/** The last state of a recurrent layer gives the classes. */
function recurrent(
  name: string,
  [batch, time, features, width]: [number, number, number, number],
  plainly: Training['plainly'],
): Training {
  const task = { input: [time, features], output: 10 };
  return { name, model: { name, hidden: [width] }, task, batch, optimizer: 'sgd', learning_rate: 0.1, plainly };
}

const sgd = { optimizer: 'sgd', learning_rate: 0.1 } as const;

export const trainings: Training[] = [
  { ...mlp('tiny_mlp', [2, 32, 2], 32, sgd), small: true },
  mlp('mlp', [784, 256, 256, 10], 64, sgd),
  mlp('mlp_adam', [784, 256, 256, 10], 64, { optimizer: 'adam', learning_rate: 0.001 }),
  recurrent('rnn', [32, 50, 16, 64], rnnPlainly),
  recurrent('lstm', [32, 64, 32, 128], lstmPlainly),
  recurrent('gru', [32, 64, 32, 128], gruPlainly),
  {
    name: 'cnn',
    model: { name: 'cnn', channels: [32, 64], kernel: 3, activation: 'relu' },
    task: { input: [28, 28, 1], output: 10 },
    batch: 32,
    ...sgd,
    plainly: cnnPlainly,
  },
  {
    name: 'transformer',
    model: { name: 'transformer', layers: 2, width: 128, heads: 4 },
    task: { input: [64], vocabulary: 65, output: 65, times: 64, target: 64 },
    batch: 16,
    ...sgd,
    plainly: decoderPlainly,
  },
];

/** 4 million entries. */
const tensors = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`g${i}`, [1000, 400]]));
export const clippings: Clipping[] = (['value', 'norm', 'global_norm'] as const).map((clip) => ({
  name: `clip_${clip}`,
  clip,
  params: tensors,
}));

export const workNames = [...trainings, ...clippings].map(({ name }) => name);
