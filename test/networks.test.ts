/** Dense and convolutional networks; what every model keeps to is in models.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { accuracy, crossEntropy } from '../src/data/classification.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { convolve, halve } from '../src/layers/convolution.ts';
import { build, find, parts } from '../src/parts.ts';
import { group, join, pick } from '../src/tensors.ts';
import { type Assembled, assemble } from '../src/train/assemble.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { makeStep } from '../src/train/step.ts';
import type {
  Batch,
  Choice,
  Engine,
  HostTensor,
  InitStreams,
  Options,
  Task,
  TaskShape,
  Tensors,
  Transform,
} from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { digitsCell } from './support/cells.ts';
import { optionsOf } from './support/choices.ts';
import { assertAllClose, assertGolden, golden } from './support/golden_layers.ts';
import {
  assertClose,
  assertNear,
  bitsOf,
  freed,
  hostTensor,
  read,
  shapesOf,
  toHost,
  toTensors,
} from './support/host.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const choice = (name: string, options: Options = {}): Choice => ({
  name,
  options: optionsOf(find(parts.models, name), options),
});
const made = (name: string, options?: Options) => build(find(parts.models, name), choice(name, options));
const streams: InitStreams = (parameter, shape) => stream('init', 0, parameter, shape);

for (const { model: name, options, params, x, state, ...wanted } of golden.models) {
  onBackends(
    ['native', 'wasm', 'cpu'],
    `${name} ${JSON.stringify(options)}: outputs, gradients and statistics are PyTorch's`,
    () => {
      freed(() => {
        const model = made(name, options);
        const shape = { input: x.shape.slice(1), output: wanted.y.shape[1] ?? 0 };
        const fresh = model.init(streams, shape);
        assert.deepEqual(shapesOf(fresh.params), shapesOf(params));
        const run = (own: Tensors) =>
          model.apply(own, fresh.state, tf.tensor(x.values, x.shape), { training: true, shape });
        assertGolden((own) => run(own)[0], params, wanted, 1e-5);
        assertAllClose(toHost(run(toTensors(params))[1]), state, 1e-6);
      });
    },
  );
}

test('a convolution pads with zeros, and with a stride of 2 rounds sizes up; halving drops an odd last row', () => {
  freed(() => {
    const ones = tf.ones([1, 3, 4, 1]);
    assert.deepEqual([...read(convolve(ones, tf.ones([3, 3, 1, 1]))).values], [4, 6, 6, 4, 6, 9, 9, 6, 4, 6, 6, 4]);
    assert.deepEqual(convolve(ones, tf.ones([3, 3, 1, 5]), 2).shape, [1, 2, 2, 5]);
    const halved = halve(tf.range(0, 12).reshape([1, 3, 4, 1]));
    assert.deepEqual(
      [halved.shape, [...read(halved).values]],
      [
        [1, 1, 2, 1],
        [5, 7],
      ],
    );
  });
});

test('what a model can not learn it refuses with a reason', () => {
  const refusal = (name: string, shape: TaskShape, options?: Options) => made(name, options).refuse?.(shape);
  const image = (...input: number[]) => ({ input, output: 10 });
  for (const name of ['linear', 'mlp', 'deep_linear', 'cnn', 'resnet']) {
    assert.equal(refusal(name, { ...image(12), vocabulary: 5 }), 'reads numbers, not tokens');
    assert.equal(
      refusal(name, { ...image(12, 2), times: 12 }),
      'gives one output for an example, not one for each time',
    );
    assert.equal(refusal(name, image(28, 28, 1)), undefined);
  }
  for (const name of ['cnn', 'resnet']) {
    for (const input of [[784], [28, 28]])
      assert.equal(
        refusal(name, image(...input)),
        `reads images [height, width, channels], not examples of shape [${input.join(', ')}]`,
      );
  }
  assert.equal(
    refusal('cnn', image(7, 28, 1), { channels: [2, 2, 2] }),
    'halves images 3 times, which takes 8 x 8 pixels at least, not [7, 28, 1]',
  );
  assert.equal(refusal('cnn', image(8, 8, 1), { channels: [2, 2, 2] }), undefined);
  assert.match(refusal('resnet', image(28, 1, 1)) ?? '', /^halves images 1 times, which takes 2 x 2 pixels/);
  assert.equal(refusal('resnet', image(2, 2, 1)), undefined);
});

const tensorOf = (name: string, shape: number[]): HostTensor => {
  const { normal } = stream('networks.test', name);
  return hostTensor(shape, Array.from({ length: tf.util.sizeFromShape(shape) }, normal));
};

onBackends(
  ['native', 'wasm', 'cpu'],
  'a deep linear network is the product of its matrices, and linear in its input',
  () => {
    freed(() => {
      const model = made('deep_linear', { depth: 2, width: 5 });
      const shape = { input: [2, 3], output: 4 };
      const { params, state } = model.init(streams, shape);
      assert.deepEqual(shapesOf(params), ['w0[6,5]', 'w1[5,5]', 'w2[5,4]']);
      const { x, twice } = toTensors({ x: tensorOf('x', [7, 2, 3]), twice: tensorOf('x', [7, 2, 3]) });
      if (x === undefined || twice === undefined) return assert.fail('tensors');
      const run = (input: tf.Tensor) => read(model.apply(params, state, input, { training: true, shape })[0]);
      const [w0 = x, w1 = x, w2 = x] = Object.values(params);
      assertClose(run(x), read(x.reshape([7, 6]).matMul(w0.matMul(w1).matMul(w2))), 1e-6, 'product');
      assertClose(run(twice.mul(2)), read(tf.tensor(run(x).values, [7, 4]).mul(2)), 1e-6, 'twice');
    });
  },
);

test('a residual network without norm starts as its shortcuts: the branches count once g has left 0', async () => {
  await useBackend('native');
  freed(() => {
    const model = made('resnet', { channels: [4], blocks: 3 });
    const shape = { input: [5, 5, 2], output: 3 };
    const { params, state } = model.init(streams, shape);
    const { x = tf.scalar(0) } = toTensors({ x: tensorOf('images', [4, 5, 5, 2]) });
    const run = (own: Tensors) => read(model.apply(own, state, x, { training: true, shape })[0]);
    const skips = Object.keys(params).filter((name) => name.endsWith('/skip'));
    assert.equal(skips.length, 3);
    const without = Object.fromEntries(
      Object.entries(params).map(([name, w]) => [name, name.includes('/k') ? tf.zerosLike(w) : w]),
    );
    assert.deepEqual(run(without), run(params));
    const open = Object.fromEntries(
      Object.entries(params).map(([name, w]) => [name, skips.includes(name) ? tf.scalar(1) : w]),
    );
    assert.notDeepEqual(run(open), run(params));
  });
});

test('without norm a deep residual network keeps the variance that it counts on, about 1 + 0.04 for each block', async () => {
  await useBackend('native');
  freed(() => {
    // Pixels apart from the border and many channels, where the rule of large numbers holds.
    const model = made('resnet', { channels: [64], blocks: 10, init: 'he', distribution: 'normal' });
    const shape = { input: [12, 12, 16], output: 64 };
    const { params, state } = model.init(streams, shape);
    const changed = Object.entries(params).map(([name, w]): [string, tf.Tensor] => {
      if (name.endsWith('/skip')) return [name, tf.scalar(1)];
      // The last layer passes on the means; the activation's gain is known.
      return [name, name === 'v' ? tf.eye(64) : w];
    });
    const { x = tf.scalar(0) } = toTensors({ x: tensorOf('pixels', [16, 12, 12, 16]) });
    const y = model.apply(Object.fromEntries(changed), state, x, { training: true, shape })[0];
    // Means over 144 pixels of relu(h) gain with h of variance 1.4: sqrt(1.4 / (2 pi)) gain.
    const wanted = Math.sqrt((1 + 0.04 * 10) / (2 * Math.PI)) * 1.7128585504;
    assertNear(read(y.mean()).values[0], wanted, 0.1 * wanted);
  });
});

const networks = [
  choice('linear'),
  choice('deep_linear', { depth: 2, width: 4, init: 'orthogonal' }),
  ...['none', 'batch', 'layer', 'rms', 'weight'].map((norm) => choice('mlp', { hidden: [4, 5], norm, dropout: 0.1 })),
  ...['none', 'batch', 'layer', 'rms', 'group', 'weight'].map((norm) =>
    choice('cnn', { channels: [4, 4], norm, dropout: 0.1 }),
  ),
  ...['none', 'batch', 'group'].map((norm) => choice('resnet', { channels: [3, 4], norm, dropout: 0.1 })),
  // Over few channels a variance may be near 0: such a run is no stable one.
  ...['layer', 'rms'].map((norm) => choice('resnet', { channels: [8, 8], norm, dropout: 0.1 })),
];

/** Images of horizontal or vertical stripes with noise. */
const stripes: Task = {
  kind: 'classification',
  shape: { input: [6, 6, 1], output: 2 },
  batches: (random) => (size) => {
    const [x, y] = [new Float32Array(size * 36), new Float32Array(size * 2)];
    for (let i = 0; i < size; i++) {
      const upright = i % 2;
      y[2 * i + upright] = 1;
      for (let at = 0; at < 36; at++) {
        const line = upright === 1 ? at % 6 : Math.floor(at / 6);
        x[36 * i + at] = (line % 2) - 0.5 + 0.3 * random.normal();
      }
    }
    return { size, x, y };
  },
  split: () => assert.fail('nothing is evaluated'),
  loss: crossEntropy,
  metric: accuracy,
  data: () => ({}),
};

/** Forty steps: the scalars of each, and what was learned. */
function learned(model: Choice, engine: Engine) {
  const assembled = { ...assemble(digitsCell({ model, telemetry: 'full' })), task: stripes };
  const { params, state } = assembled.model.init(streams, stripes.shape);
  const optimizer = assembled.optimizer.init(params);
  const keys = { 'dropout.high': 1, 'dropout.low': 2 };
  const initial = join({ params, model: state, optimizer });
  const run = engine.train(model.name + JSON.stringify(model.options), makeStep(assembled), initial, {
    ...assembled.constants,
    ...keys,
  });
  const nextBatch = stripes.batches(stream('stripes', 0));
  const rows = Array.from({ length: 40 }, (_, t) => {
    const { x, y } = nextBatch(8);
    const scalars = { learning_rate: hostTensor([], [0.1]), step: hostTensor([], [t]) };
    return run.call([{ x: hostTensor([8, 6, 6, 1], x), y: hostTensor([8, 2], y), ...scalars }])[0] ?? {};
  });
  const after = { params: bitsOf(run.read('params')), state: bitsOf(run.read('model')) };
  run.dispose();
  return { rows, after };
}

for (const model of networks) {
  const title = [model.name, model.options.norm ?? []].flat().join(' ');
  let onCpu: number[] | undefined;

  onBackends(['cpu', 'native', 'wasm'], `${title} learns to tell stripes, as on the first backend`, () => {
    const losses = learned(model, eager).rows.map(({ loss }) => loss ?? Number.NaN);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value / values.length, 0);
    const [first, last] = [mean(losses.slice(0, 5)), mean(losses.slice(-5))];
    assert.ok(last < 0.7 * first, `${first} -> ${last}`);
    onCpu ??= losses;
    const bounds = [
      [0, 1e-6],
      [1, 1e-6],
      [10, 1e-5],
      [39, 1e-4],
    ] as const;
    for (const [step, bound] of bounds) assertNear(losses[step], onCpu[step] ?? Number.NaN, bound, `step ${step}`);
  });

  test(`${title} gives the bits of the eager engine when it is compiled`, onNative, async () => {
    await useBackend('native');
    const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
    assert.deepEqual(learned(model, engine), learned(model, eager));
    engine.dispose();
  });
}

/** A step's inputs on eight digits, as tensors. */
function digits(assembled: Assembled, next: (size: number) => Batch): Record<'x' | 'y', tf.Tensor> & Tensors {
  const { x, y } = next(8);
  const numbers = { ...assembled.constants, learning_rate: 0.1, step: 0 };
  const scalars = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, tf.scalar(value)]));
  return { ...scalars, x: tf.tensor(x.slice(), [8, ...assembled.task.shape.input]), y: tf.tensor(y.slice(), [8, 10]) };
}

/** A step's state at the start. */
function start({ model, task, optimizer }: Assembled): Tensors {
  const { params, state } = model.init(streams, task.shape);
  return join({ params, model: state, optimizer: optimizer.init(params) });
}

test('running statistics follow the batches through steps, and evaluation goes by them', async () => {
  await useBackend('native');
  freed(() => {
    const cell = digitsCell({ model: choice('cnn', { channels: [3], norm: 'batch' }) });
    const assembled = assemble(cell);
    const { task } = assembled;
    const first = start(assembled);
    const step = makeStep(assembled);
    const nextBatch = task.batches(stream('data', 0, cell.task));
    let held = first;
    for (let t = 0; t < 3; t++) {
      const inputs = digits(assembled, nextBatch);
      const wanted = convolve(inputs.x, pick(held, 'params.k0'))
        .mean([0, 1, 2])
        .mul(0.1)
        .add(pick(held, 'model.norm0/mean').mul(0.9));
      held = step(held, inputs).state;
      assertClose(read(pick(held, 'model.norm0/mean')), read(wanted), 1e-5, `step ${t}`);
    }
    const examples = task.split('val', stream('eval', 'val', cell.task));
    const lossWith = (state: Tensors) => {
      const weights = { params: toHost(group(held, 'params')), state: toHost(group(state, 'model')) };
      return evaluate(eager, assembled, weights, [examples])[0]?.loss ?? Number.NaN;
    };
    // The same parameters with the statistics of the start are another function.
    assert.ok(Math.abs(lossWith(held) - lossWith(first)) > 0.01, `${lossWith(held)} and ${lossWith(first)}`);
  });
});

test('a step that is skipped leaves the running statistics as they were', async () => {
  await useBackend('native');
  freed(() => {
    const cell = digitsCell({ model: choice('mlp', { hidden: [3], norm: 'batch' }) });
    for (const skips of [true, false]) {
      const strategy: Transform = {
        init: () => ({}),
        update: (grads, state, { loss }) => ({ grads, state, skip: loss.greater(skips ? 0 : 1e9).asScalar() }),
      };
      const assembled = { ...assemble(cell), strategies: { gradient: strategy } };
      const held = start(assembled);
      const { state } = makeStep(assembled)(held, digits(assembled, assembled.task.batches(stream('data', 0))));
      const [before, after] = [held, state].map((tensors) => bitsOf(toHost(group(tensors, 'model'))));
      assert.equal(isDeepStrictEqual(after, before), skips);
    }
  });
});
