import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from '../src/data/classification.ts';
import { stream } from '../src/engine/random.ts';
import { convolve } from '../src/layers/convolution.ts';
import { type Start, weights } from '../src/layers/init.ts';
import { build, find, parts } from '../src/parts.ts';
import { mapTensors, pick } from '../src/tensors.ts';
import type { HostTensor, InitStreams, Model, ModelPart, Options, TaskShape, Tensors } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { optionsOf, variants } from './support/choices.ts';
import { describesItself, tensorName } from './support/conformance.ts';
import {
  assertClose,
  assertNear,
  bitsOf,
  freed,
  hostTensor,
  normOf,
  read,
  shapesOf,
  toHost,
  toTensors,
} from './support/host.ts';

const { models } = parts;

/** Small versions; a model that isn't named here is tested with its defaults. */
const small: Record<string, Options[]> = {
  mlp: [
    { hidden: [4, 5], activation: 'tanh' },
    { hidden: [4], activation: 'relu' },
    { hidden: [4, 6], activation: 'relu' },
    ...['batch', 'layer', 'rms', 'weight'].map((norm) => ({ hidden: [4, 5], activation: 'tanh', norm })),
  ],
  linear: [{}],
  deep_linear: [
    { depth: 1, width: 4 },
    { depth: 3, width: 4 },
  ],
  cnn: [
    { channels: [2, 4], activation: 'relu' },
    ...['batch', 'layer', 'rms', 'group', 'weight'].map((norm) => ({ channels: [4], activation: 'tanh', norm })),
  ],
  resnet: [
    ...['none', 'batch', 'group'].map((norm) => ({ channels: [3, 4], activation: 'tanh', norm })),
    // Over few channels a variance may be near 0, and the slope change at once.
    ...['layer', 'rms'].map((norm) => ({ channels: [8, 9], activation: 'tanh', norm })),
    { channels: [3], blocks: 2, activation: 'gelu' },
  ],
  rnn: [
    { hidden: [4] },
    { hidden: [4, 5], embedding: 3, norm: 'layer' },
    { hidden: [4], norm: 'rms' },
    // Few: of many relus over time one is nearer to its corner than the smallest step.
    { hidden: [3], embedding: 3, activation: 'relu' },
  ],
  lstm: [{ hidden: [4] }, { hidden: [4, 5], embedding: 3, norm: 'layer' }],
  gru: [{ hidden: [4] }, { hidden: [4, 5], embedding: 3, norm: 'layer' }],
  transformer: [
    { layers: 1, width: 4, heads: 2, hidden_factor: 1 },
    { layers: 1, width: 4, heads: 1, hidden_factor: 1, norm: 'rms', norm_place: 'post', activation: 'tanh' },
  ],
};
const versions = (part: ModelPart) =>
  (small[part.name]?.map((options) => optionsOf(part, options)) ?? variants(part)).map((options) => ({
    options,
    model: build(part, { name: part.name, options }),
  }));
const shapes: TaskShape[] = [
  { input: [6], output: 3 },
  { input: [5, 3], output: 3 },
  { input: [7, 2], output: 1 },
  { input: [4, 4, 2], output: 3 },
];
/** Of tokens, and of outputs for each time. */
const sequences: TaskShape[] = [
  { input: [5], vocabulary: 4, output: 3 },
  { input: [5], vocabulary: 4, output: 3, times: 5 },
  { input: [4, 2], output: 1, times: 4 },
];
/** Shapes for single models beside those for all. */
const more: Record<string, TaskShape[]> = {
  rnn: sequences,
  lstm: sequences,
  gru: sequences,
  transformer: sequences.slice(0, 2),
};
const BATCH = 6;

interface Case {
  title: string;
  model: Model;
  shape: TaskShape;
}

/** Every model in every small version on every shape that it doesn't refuse. */
const cases: Case[] = models.flatMap((part) =>
  versions(part).flatMap(({ options, model }) =>
    [...shapes, ...(more[part.name] ?? [])]
      .filter((shape) => model.refuse?.(shape) === undefined)
      .map((shape) => {
        const { input, vocabulary, output, times } = shape;
        const from = `${vocabulary === undefined ? '' : 'tokens '}[${input.join(', ')}]`;
        const title = `${part.name} ${JSON.stringify(options)} from ${from} to ${times ? `${times} x ` : ''}${output}`;
        return { title, model, shape };
      }),
  ),
);

const streamsOf =
  (seed: number): InitStreams =>
  (parameter, shape) =>
    stream('init', seed, parameter, shape);

/** Normal numbers that go by a name. */
function normals(name: string, shape: number[]): HostTensor {
  const { normal } = stream('models.test', name);
  return hostTensor(shape, Array.from({ length: tf.util.sizeFromShape(shape) }, normal));
}
const tensorOf = (name: string, shape: number[]) => pick(toTensors({ name: normals(name, shape) }), 'name');

/** Examples of this shape. */
function examplesOf({ input, vocabulary }: TaskShape): HostTensor {
  const x = normals('x', [BATCH, ...input]);
  if (vocabulary === undefined) return x;
  return hostTensor(
    x.shape,
    x.values.map((value) => Math.floor(Math.abs(value) * 1000) % vocabulary),
  );
}
const inputsOf = (shape: TaskShape): tf.Tensor => pick(toTensors({ x: examplesOf(shape) }), 'x');
const outputsOf = ({ output, times = 1 }: TaskShape): number => times * output;

/** Mean loss on made-up examples, as a task would take it. */
function meanLoss({ model, shape }: Case, params: Tensors, state: Tensors): tf.Scalar {
  const [y] = model.apply(params, state, inputsOf(shape), { training: true, shape });
  if (shape.output === 1)
    return y
      .sub(tensorOf('target', [BATCH, outputsOf(shape)]))
      .square()
      .mean();
  const rows = BATCH * (shape.times ?? 1);
  const classes = tf.range(0, rows, 1, 'int32').mod(tf.scalar(shape.output, 'int32'));
  const target = tf.oneHot(classes, shape.output).toFloat().as2D(rows, shape.output);
  return crossEntropy(y.as2D(rows, shape.output), target).mean();
}

/** Gradient of `f` with respect to each of `params`. */
function gradientOf(f: (params: Tensors) => tf.Tensor, params: Tensors): Tensors {
  const names = Object.keys(params);
  const named = (values: tf.Tensor[]) => Object.fromEntries(values.map((value, i) => [names[i] ?? '', value]));
  return named(tf.grads((...values) => f(named(values)).sum())(Object.values(params)));
}

for (const part of models) {
  describesItself(part, 'models', models);

  test(`${part.name}: what it refuses it refuses with a reason`, () => {
    for (const { model } of versions(part)) {
      for (const shape of shapes) {
        const reason = model.refuse?.(shape);
        if (reason !== undefined) assert.match(reason, /^[a-z].*[^.]$/);
      }
    }
    assert.ok(
      cases.some(({ title }) => title.startsWith(part.name)),
      'it refuses everything',
    );
  });

  test(`${part.name}: a parameter starts by seed, name and shape alone, whatever the other options`, async () => {
    await useBackend('native');
    for (const shape of shapes) {
      const starts = versions(part)
        .filter(({ model }) => model.refuse?.(shape) === undefined)
        .map(({ model }) => freed(() => bitsOf(toHost(model.init(streamsOf(3), shape).params))));
      for (const one of starts) {
        for (const other of starts) {
          for (const [name, tensor] of Object.entries(one)) {
            if (String(other[name]?.shape) === String(tensor.shape)) assert.deepEqual(other[name], tensor, name);
          }
        }
      }
    }
  });
}

for (const c of cases) {
  const { title, model, shape } = c;

  test(`${title}: parameters have good names and each draws from its own stream`, async () => {
    await useBackend('native');
    freed(() => {
      const asked: string[] = [];
      const { params, state } = model.init((parameter, drawn) => {
        asked.push(`${parameter}[${drawn.join(',')}]`);
        return streamsOf(0)(parameter, drawn);
      }, shape);
      for (const name of [...Object.keys(params), ...Object.keys(state)]) assert.match(name, tensorName);
      assert.equal(new Set(asked).size, asked.length, 'a stream is drawn from twice');
      for (const name of asked) assert.ok(shapesOf(params).includes(name), `${name} is no parameter's name and shape`);
      const other = toHost(model.init(streamsOf(1), shape).params);
      for (const [name, { shape: drawn, values }] of Object.entries(toHost(params))) {
        if (asked.includes(`${name}[${drawn.join(',')}]`)) assert.notDeepEqual(other[name]?.values, values, name);
      }
    });
  });

  test(`${title}: where nothing is drawn shapes are the same`, async () => {
    await useBackend('native');
    freed(() => {
      const [drawn, blank] = [streamsOf(0), () => undefined].map((streams) => model.init(streams, shape));
      assert.deepEqual(shapesOf(blank?.params ?? {}), shapesOf(drawn?.params ?? {}));
      assert.deepEqual(shapesOf(blank?.state ?? {}), shapesOf(drawn?.state ?? {}));
    });
  });

  test(`${title}: one output for each example, by itself`, async () => {
    await useBackend('native');
    freed(() => {
      const { params, state } = model.init(streamsOf(0), shape);
      const x = inputsOf(shape);
      const evaluated = (examples: tf.Tensor) => model.apply(params, state, examples, { training: false, shape });
      const [all, after] = evaluated(x);
      assert.deepEqual(all.shape, [BATCH, outputsOf(shape)]);
      assert.deepEqual(bitsOf(toHost(after)), bitsOf(toHost(state)), 'evaluation changes no state');
      assert.deepEqual(bitsOf({ y: read(evaluated(x)[0]) }), bitsOf({ y: read(all) }), 'evaluation repeats');
      for (const count of [1, 4]) {
        const [some] = evaluated(x.slice([0], [count]));
        assertClose(read(some), read(all.slice([0], [count])), 1e-6, `the first ${count}`);
      }
      const [trained, next] = model.apply(params, state, x, { training: true, shape });
      assert.deepEqual(trained.shape, [BATCH, outputsOf(shape)]);
      assert.deepEqual(shapesOf(next), shapesOf(state));
    });
  });

  test(`${title}: its state doesn't hold on to its input, which is written over after a step`, async () => {
    await useBackend('native');
    freed(() => {
      const { params, state } = model.init(streamsOf(0), shape);
      const { values } = examplesOf(shape);
      const [, next] = model.apply(params, state, tf.tensor(values, [BATCH, ...shape.input]), {
        training: true,
        shape,
      });
      const seen = bitsOf(toHost(next));
      values.fill(Number.NaN);
      assert.deepEqual(bitsOf(toHost(next)), seen);
    });
  });

  test(`${title}: no tensor is left behind`, async () => {
    await useBackend('native');
    const before = tf.memory().numTensors;
    const { params, state } = model.init(streamsOf(0), shape);
    assert.equal(tf.memory().numTensors - before, Object.keys({ ...params, ...state }).length, 'init');
    tf.dispose(tf.tidy(() => gradientOf((values) => meanLoss(c, values, state), params)));
    tf.dispose([params, state]);
    assert.equal(tf.memory().numTensors, before);
  });

  // The loss has a rounding error of about 1e-7, so a difference over a step h has one of about 1e-7/h; the four-point
  // rule errs by h^4 times the fifth derivative, and by far more where a corner of relu is nearer than 2h. Of the four
  // steps one at least is right to 1e-3 of the gradient's norm, and typically to 1e-5; a wrong gradient is at none. Of a
  // gradient that is itself as small as the rounding, 3e-6 at the largest step, no more can be asked.
  onBackends(['native', 'cpu'], `${title}: the gradient agrees with differences of the loss`, () => {
    freed(() => {
      const { params: start, state } = model.init(streamsOf(0), shape);
      // Away from the start, where biases of 0 put corners of relu exactly on the point.
      const params = mapTensors(start, (w, name) => w.add(tensorOf(`shift of ${name}`, w.shape).mul(0.1)));
      const gradient = toHost(gradientOf((values) => meanLoss(c, values, state), params));
      for (const [name, g] of Object.entries(gradient)) {
        const along = (direction: HostTensor, step: number) =>
          freed(() => {
            const moved = pick(params, name).add(pick(toTensors({ direction }), 'direction').mul(step));
            return meanLoss(c, { ...params, [name]: moved }, state).dataSync()[0] ?? Number.NaN;
          });
        for (const direction of [g, ...['first', 'second'].map((k) => normals(`${name}, ${k}`, g.shape))]) {
          const unit = hostTensor(
            g.shape,
            direction.values.map((x) => x / normOf(direction)),
          );
          const slope = unit.values.reduce((sum, x, i) => sum + x * (g.values[i] ?? Number.NaN), 0);
          const errors = [0.05, 0.01, 0.002, 0.0005].map((h) => {
            const [near, far] = [along(unit, h) - along(unit, -h), along(unit, 2 * h) - along(unit, -2 * h)];
            return Math.abs((8 * near - far) / (12 * h) - slope);
          });
          assert.ok(Math.min(...errors) <= 1e-3 * normOf(g) + 3e-6, `${name}: off by ${errors} at a slope of ${slope}`);
        }
      }
    });
  });
}

test('rnn refuses examples that are no sequences, and mlp takes every shape', () => {
  const made = (name: string, options: Options) =>
    build(find(models, name), { name, options: optionsOf(find(models, name), options) });
  const { refuse } = made('rnn', { hidden: [4] });
  assert.equal(
    refuse?.({ input: [784], output: 10 }),
    'reads sequences [time, features] or tokens [time], not examples of shape [784]',
  );
  assert.match(refuse?.({ input: [8, 8, 1], output: 10 }) ?? '', /of shape \[8, 8, 1\]$/);
  assert.equal(refuse?.({ input: [28, 28], output: 10 }), undefined);
  assert.equal(made('mlp', { hidden: [4], activation: 'relu' }).refuse?.({ input: [8, 8, 1], output: 10 }), undefined);
});

/** h_t = tanh(a_t + h_(t-1) U), one time after the other, left to automatic differentiation. */
function plainRecurrence(inputs: tf.Tensor, u: tf.Tensor): tf.Tensor {
  const [batch = 0, time = 0, width = 0] = inputs.shape;
  const states: tf.Tensor[] = [];
  for (let t = 0; t < time; t++) {
    // Not unstack: tfjs can't differentiate that of one piece.
    const input = inputs.slice([0, t, 0], [batch, 1, width]).reshape([batch, width]);
    const before = states[t - 1] ?? tf.zeros([batch, width]);
    states.push(tf.tanh(input.add(before.matMul(u))));
  }
  return tf.stack(states, 1);
}

onBackends(['native', 'wasm', 'cpu'], 'an rnn of two layers and its gradient are those of plain loops', () => {
  freed(() => {
    const rnn = find(models, 'rnn');
    const model = build(rnn, { name: 'rnn', options: optionsOf(rnn, { hidden: [4, 5] }) });
    const shape = { input: [7, 3], output: 2 };
    const { params, state } = model.init(streamsOf(0), shape);
    const x = inputsOf(shape);
    const ours = (p: Tensors) =>
      model.apply(p, state, x, { training: true, shape })[0].mul(tensorOf('weights', [BATCH, 2]));
    const plain = (p: Tensors) => {
      const layer = (inputs: tf.Tensor, k: number) => {
        const flat = inputs
          .reshape([BATCH * 7, -1])
          .matMul(pick(p, `w${k}`))
          .add(pick(p, `b${k}`));
        return plainRecurrence(flat.reshape([BATCH, 7, -1]), pick(p, `u${k}`));
      };
      const last = layer(layer(x, 0), 1).unstack(1).at(-1) ?? x;
      return last
        .matMul(pick(p, 'v'))
        .add(pick(p, 'c'))
        .mul(tensorOf('weights', [BATCH, 2]));
    };
    assertClose(read(ours(params)), read(plain(params)), 1e-6, 'outputs');
    const [got = {}, wanted = {}] = [ours, plain].map((f) => toHost(gradientOf(f, params)));
    assert.deepEqual(shapesOf(got), shapesOf(wanted));
    for (const [name, g] of Object.entries(wanted)) assertClose(got[name] ?? g, g, 1e-6, name);
  });
});

const starting = (init: Start['init']): Start => ({ init, distribution: 'uniform', gain: 1 });

test('an orthogonal start is a rotation: U U^T = I to 1e-6', () => {
  freed(() => {
    for (const size of [1, 2, 7, 64, 128]) {
      const { values } = read(weights(starting('orthogonal'), streamsOf(0), 'u0', [size, size]));
      for (let r = 0; r < size; r++) {
        for (let s = 0; s <= r; s++) {
          let product = 0;
          for (let k = 0; k < size; k++) product += (values[r * size + k] ?? 0) * (values[s * size + k] ?? 0);
          assertNear(product, r === s ? 1 : 0, 1e-6, `rows ${r} and ${s} of ${size}`);
        }
      }
    }
  });
});

onBackends(['native', 'wasm', 'cpu'], 'a convolution that starts as the identity leaves an image as it is', () => {
  freed(() => {
    const image = tensorOf('image', [2, 6, 7, 3]);
    for (const size of [1, 2, 3, 4, 5]) {
      const kernel = weights(starting('identity'), streamsOf(0), 'k0', [size, size, 3, 3]);
      assert.deepEqual(read(convolve(image, kernel)), read(image), `a kernel of ${size} x ${size}`);
    }
  });
});

test('a glorot start is uniform within its bounds', () => {
  freed(() => {
    for (const [rows, columns] of [
      [1, 1],
      [784, 10],
      [20, 300],
    ] as const) {
      const { values } = read(weights(starting('glorot'), streamsOf(0), 'w0', [rows, columns]));
      const limit = Math.sqrt(6 / (rows + columns));
      assert.equal(
        values.every((w) => Math.abs(w) <= Math.fround(limit)),
        true,
      );
      if (values.length === 1) continue;
      const variance = normOf(hostTensor([], values)) ** 2 / values.length;
      const mean = values.reduce((sum, w) => sum + w, 0) / values.length;
      // Five standard errors of the variance (limit^2 / 3) and the mean.
      const error = 5 / Math.sqrt(values.length);
      assertNear(variance / (limit ** 2 / 3), 1, error, 'variance');
      assertNear(mean, 0, error * limit, 'mean');
    }
  });
});
