/**
 * What is timed: the same training steps in every system, each with its shapes, its loss and its optimizer. The Python
 * systems have theirs in peers_*.py; that all of them compute the same is checked with every run.
 */
import * as tf from '@tensorflow/tfjs';
import { gru } from '../../src/layers/gru.ts';
import { lstm } from '../../src/layers/lstm.ts';
import { recurrence } from '../../src/layers/recurrence.ts';
import { pick } from '../../src/tensors.ts';
import type { Tensors } from '../../src/types.ts';
import { decoder, decoderShapes } from './decoder.ts';
import { gruPlainly, lstmPlainly, recurrencePlainly } from './plain.ts';

type Shapes = Record<string, number[]>;
type Loss = (params: Tensors, x: tf.Tensor, y: tf.Tensor) => tf.Scalar;

export interface Training {
  name: string;
  optimizer: 'sgd' | 'adam';
  learning_rate: number;
  params: Shapes;
  x: number[];
  /** One-hot classes [batch, classes], or, where x holds tokens, the next tokens. */
  y: number[];
  /** Where x and y hold tokens: how many there are. */
  vocabulary?: number;
  loss: Loss;
  /** With `fast`, clipbench has XLA compile it. */
  small?: boolean;
  /** As a user of tfjs would write it, where `loss` has gradients written by hand. */
  plain?: Loss;
}

export interface Clipping {
  name: string;
  clip: 'value' | 'norm' | 'global_norm';
  params: Shapes;
}

const dense = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => x.matMul(w).add(b);

/** Mean over the batch. */
function crossEntropy(logits: tf.Tensor, oneHot: tf.Tensor): tf.Scalar {
  return oneHot
    .mul(tf.logSoftmax(logits))
    .sum()
    .div(-(logits.shape[0] ?? 1))
    .asScalar();
}

function mlp(
  name: string,
  widths: number[],
  batch: number,
  optimizer: 'sgd' | 'adam',
  learning_rate: number,
): Training {
  const layers = widths.length - 1;
  const params = Object.fromEntries(
    widths.slice(1).flatMap((to, i): [string, number[]][] => [
      [`w${i}`, [widths[i] ?? 0, to]],
      [`b${i}`, [to]],
    ]),
  );
  const loss: Loss = (p, x, y) => {
    let h = x;
    for (let i = 0; i < layers; i++) {
      h = dense(h, pick(p, `w${i}`), pick(p, `b${i}`));
      if (i < layers - 1) h = tf.relu(h);
    }
    return crossEntropy(h, y);
  };
  const [from = 0, to = 0] = [widths[0], widths[layers]];
  return { name, optimizer, learning_rate, params, x: [batch, from], y: [batch, to], loss };
}

type Layer = (inputs: tf.Tensor, params: Tensors) => tf.Tensor;

/** The last state of a recurrent layer gives the classes. */
function recurrent(
  name: string,
  [batch, time, features, width]: [number, number, number, number],
  weights: Shapes,
  [layer, plainLayer]: [Layer, Layer],
): Training {
  const [w = 'w', , b = 'b'] = Object.keys(weights);
  const lossOf =
    (run: Layer): Loss =>
    (p, x, y) => {
      const flat = x.transpose([1, 0, 2]).reshape([time * batch, features]);
      const inputs = dense(flat, pick(p, w), pick(p, b)).reshape([time, batch, -1]);
      return crossEntropy(dense(run(inputs, p), pick(p, 'v'), pick(p, 'c')), y);
    };
  const params = { ...weights, v: [width, 10], c: [10] };
  return {
    name,
    optimizer: 'sgd',
    learning_rate: 0.1,
    params,
    x: [batch, time, features],
    y: [batch, 10],
    loss: lossOf(layer),
    plain: lossOf(plainLayer),
  };
}

const cnn: Training = {
  name: 'cnn',
  optimizer: 'sgd',
  learning_rate: 0.1,
  params: { k0: [3, 3, 1, 32], b0: [32], k1: [3, 3, 32, 64], b1: [64], w: [3136, 10], c: [10] },
  x: [32, 28, 28, 1],
  y: [32, 10],
  loss(p, x, y) {
    let h = x.as4D(32, 28, 28, 1);
    for (const i of [0, 1]) {
      const kernel = pick(p, `k${i}`);
      const [rows = 0, columns = 0, from = 0, to = 0] = kernel.shape;
      const convolved = tf
        .conv2d(h, kernel.as4D(rows, columns, from, to), 1, 'same')
        .add<tf.Tensor4D>(pick(p, `b${i}`));
      // In this order, as in PyTorch's MNIST example: the same values, and a quarter of them to compare with 0.
      h = tf.relu(tf.maxPool(convolved, 2, 2, 'same'));
    }
    return crossEntropy(dense(h.reshape([32, 3136]), pick(p, 'w'), pick(p, 'c')), y);
  },
};

const transformer: Training = {
  name: 'transformer',
  optimizer: 'sgd',
  learning_rate: 0.1,
  params: decoderShapes,
  x: [16, 64],
  y: [16, 64],
  vocabulary: 65,
  loss: (p, x, y) => crossEntropy(decoder(p, x), tf.oneHot(y.flatten().toInt(), 65)),
};

export const trainings: Training[] = [
  { ...mlp('tiny_mlp', [2, 32, 2], 32, 'sgd', 0.1), small: true },
  mlp('mlp', [784, 256, 256, 10], 64, 'sgd', 0.1),
  mlp('mlp_adam', [784, 256, 256, 10], 64, 'adam', 0.001),
  recurrent('rnn', [32, 50, 16, 64], { w0: [16, 64], u0: [64, 64], b0: [64] }, [
    (a, p) => recurrence(a, pick(p, 'u0'), 'last'),
    (a, p) => recurrencePlainly(a, pick(p, 'u0')),
  ]),
  recurrent('lstm', [32, 64, 32, 128], { w: [32, 512], u: [128, 512], b: [512] }, [
    (a, p) => lstm(a, pick(p, 'u'), 'last'),
    (a, p) => lstmPlainly(a, pick(p, 'u')),
  ]),
  recurrent('gru', [32, 64, 32, 128], { w: [32, 384], u: [128, 384], b: [384], bu: [384] }, [
    (a, p) => gru(a, pick(p, 'u'), pick(p, 'bu'), 'last'),
    (a, p) => gruPlainly(a, pick(p, 'u'), pick(p, 'bu')),
  ]),
  cnn,
  transformer,
];

/** 4 million entries. */
const tensors = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`g${i}`, [1000, 400]]));
export const clippings: Clipping[] = (['value', 'norm', 'global_norm'] as const).map((clip) => ({
  name: `clip_${clip}`,
  clip,
  params: tensors,
}));

export const workNames = [...trainings, ...clippings].map(({ name }) => name);
