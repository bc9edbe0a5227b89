import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { standardizedWeights } from '../src/layers/norm_free.ts';
import { weightsOf } from '../src/layers/weight_norm.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { build, find, parts } from '../src/parts.ts';
import { runText } from '../src/run/text.ts';
import { mapTensors, pick } from '../src/tensors.ts';
import { assemble } from '../src/train/assemble.ts';
import { bounded, penalized } from '../src/train/controls.ts';
import { labelNoise } from '../src/train/label-noise.ts';
import { train } from '../src/train/loop.ts';
import { initialState, makeStep } from '../src/train/step.ts';
import type { Cell, HostTensor, InitStreams, Tensors, Transform } from '../src/types.ts';
import { addingCell, choice, curve, digitsCell, optimizer, strategy, trained } from './support/cells.ts';
import { optionsOf } from './support/choices.ts';
import { describesItself } from './support/conformance.ts';
import { assertNear, freed, hostTensor, normOf, read, toHost, toTensors } from './support/host.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const streams: InitStreams = (parameter, shape) => stream('init', 0, parameter, shape);

for (const part of parts.schedules) describesItself(part, 'schedules', parts.schedules);

/** Factors at steps 0, 1, ... of a schedule over so many steps. */
function factors(name: string, options: Record<string, number>, steps: number, times: number[]): number[] {
  const part = parts.schedules.find((one) => one.name === name) ?? assert.fail(name);
  const schedule = build(part, { name, options: optionsOf(part, options) });
  return times.map((t) => schedule(t, steps));
}

function assertAll(got: number[], wanted: number[]): void {
  assert.equal(got.length, wanted.length);
  got.forEach((value, i) => {
    assertNear(value, wanted[i] ?? Number.NaN, 1e-12, `entry ${i}`);
  });
}

test('schedules give the factors of their equations', () => {
  assertAll(factors('constant', {}, 10, [0, 5, 9]), [1, 1, 1]);
  assertAll(
    factors('step_decay', { every: 3, factor: 0.5 }, 10, [0, 2, 3, 5, 6, 9, 2]),
    [1, 1, 0.5, 0.5, 0.25, 0.125, 1],
  );
  assertAll(factors('linear', { warmup: 4, floor: 0.2 }, 12, [0, 1, 3, 4, 8, 12]), [0.2, 0.4, 0.8, 1, 0.6, 0.2]);
  const half = Math.SQRT1_2;
  assertAll(factors('cosine', {}, 8, [0, 2, 4, 6, 8]), [1, (1 + half) / 2, 0.5, (1 - half) / 2, 0]);
  assertAll(factors('cosine', { warmup: 1, floor: 0.5 }, 9, [0, 1, 5, 9]), [0.5, 1, 0.75, 0.5]);
  assertAll(factors('linear', { warmup: 5 }, 3, [0, 1, 2]), [1 / 6, 2 / 6, 3 / 6]);
});

test('the rows of a run show the rate of each step, and the updates follow it', () => {
  const schedule = choice(parts.schedules, 'step_decay', { every: 2, factor: 0.5 });
  const cell = digitsCell({ schedule, steps: 6, telemetry: 'full', eval_every: 6 });
  const { steps } = trained(cell);
  assert.deepEqual(
    steps.map(({ learning_rate }) => learning_rate),
    [0.1, 0.1, 0.05, 0.05, 0.025, 0.025],
  );
  // Plain SGD: the update is rate times gradient.
  for (const { learning_rate, scalars } of steps) {
    assertNear((scalars.update_norm ?? 0) / (scalars.clipped_norm ?? 0) / learning_rate, 1, 1e-5);
  }
});

test('penalties add the gradients of l1 sum |w| and l2 sum w^2', () => {
  freed(() => {
    const params = toTensors({ w: hostTensor([3], [2, -0.5, 0]) });
    const gradient = toTensors({ w: hostTensor([3], [1, 1, 1]) });
    const on = { l1: tf.scalar(0.5), l2: tf.scalar(0.25) };
    const of = (control: Parameters<typeof penalized>[2]) => [
      ...read(penalized(gradient, params, control).w ?? tf.scalar(0)).values,
    ];
    assert.deepEqual(of({}), [1, 1, 1]);
    assert.deepEqual(of({ l1: on.l1 }), [1.5, 0.5, 1]);
    assert.deepEqual(of({ l2: on.l2 }), [2, 0.75, 1]);
    assert.deepEqual(of(on), [2.5, 0.25, 1]);
  });
});

test('bounded weights keep every unit within the bound and in its direction; biases stay', () => {
  freed(() => {
    const values = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) * (i % 4 === 0 ? 3 : 0.1));
    const params = toTensors({ k: hostTensor([2, 3, 4], values), b: hostTensor([4], [9, 9, 9, 9]) });
    const after = toHost(bounded(params, tf.scalar(1)));
    assert.deepEqual([...(after.b?.values ?? [])], [9, 9, 9, 9]);
    for (let unit = 0; unit < 4; unit++) {
      const of = (all: Float32Array) =>
        hostTensor(
          [6],
          all.filter((_, i) => i % 4 === unit),
        );
      const [before, now] = [of(values), of(after.k?.values ?? new Float32Array())];
      assertNear(normOf(now), Math.min(1, normOf(before)), 1e-6);
      const factor = normOf(now) / normOf(before);
      for (const [i, value] of now.values.entries()) assertNear(value, (before.values[i] ?? 0) * factor, 1e-6);
    }
  });
});

test('bounded weights stay right where squares overflow, and never hide what is not finite', () => {
  freed(() => {
    const of = (...values: number[]) =>
      read(bounded(toTensors({ k: hostTensor([2, 1], values) }), tf.scalar(1)).k ?? tf.scalar(0)).values;
    const [first = 0, second = 0] = of(3e19, 4e19);
    assertNear(first, 0.6, 1e-6);
    assertNear(second, 0.8, 1e-6);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      assert.ok(of(bad, 1).some((value) => !Number.isFinite(value)));
    assert.deepEqual([...of(0, 0)], [0, 0]);
  });
});

/** Norms of the slices of a tensor along its last axis, or its first. */
function unitNorms({ shape, values }: HostTensor, along: 'first' | 'last'): number[] {
  const units = shape.at(along === 'last' ? -1 : 0) ?? 0;
  const inside = (i: number, unit: number) =>
    along === 'last' ? i % units === unit : Math.floor(i / (values.length / units)) === unit;
  return Array.from({ length: units }, (_, unit) =>
    normOf(
      hostTensor(
        [],
        [...values].filter((_, i) => inside(i, unit)),
      ),
    ),
  );
}

test('of embeddings the vector of each token and place is bounded', () => {
  freed(() => {
    const shape = { input: [6], vocabulary: 9, output: 9, times: 6 };
    for (const name of ['rnn', 'transformer']) {
      const { params } = build(find(parts.models, name), choice(parts.models, name)).init(streams, shape);
      const [before, after] = [params, bounded(params, tf.scalar(5))].map(toHost);
      const embeddings = Object.keys(params).filter((key) => key.endsWith('embedding'));
      assert.equal(embeddings.length, name === 'rnn' ? 1 : 2);
      for (const key of embeddings) {
        const [old, now] = [before?.[key] ?? assert.fail(), after?.[key] ?? assert.fail()];
        unitNorms(old, 'first').forEach((norm, row) => {
          assertNear(unitNorms(now, 'first')[row], Math.min(5, norm), 1e-5, `${key}, row ${row}`);
        });
      }
    }
  });
});

test('weights kept as directions and lengths are bounded in their lengths', () => {
  freed(() => {
    const image = { input: [4, 4, 2], output: 3 };
    const versions = [
      { name: 'mlp', options: { hidden: [5], norm: 'weight', gain: 9 }, used: weightsUnder(true) },
      { name: 'cnn', options: { channels: [5], norm: 'weight', gain: 9 }, used: weightsUnder(true) },
      { name: 'resnet', options: { channels: [5] }, used: weightsUnder(false) },
    ];
    for (const { name, options, used } of versions) {
      const { params: start } = build(find(parts.models, name), choice(parts.models, name, options)).init(
        streams,
        image,
      );
      // Lengths of both signs, long and short.
      const params = mapTensors(start, (w, key) =>
        key.endsWith('/length') ? w.mul(tf.tensor1d([-2, 1, 0.1, 3, 0])) : w,
      );
      const after = bounded(params, tf.scalar(0.5));
      const directions = Object.keys(params).filter((key) => `${key}/length` in params);
      assert.ok(directions.length > 0);
      for (const key of directions) {
        assert.equal(pick(after, key), pick(params, key));
        const [before, now] = [params, after].map((own) => read(used(own, key)));
        const lengths = unitNorms(before ?? assert.fail(), 'last');
        unitNorms(now ?? assert.fail(), 'last').forEach((norm, unit) => {
          assertNear(norm, Math.min(0.5, lengths[unit] ?? 0), 1e-5, `${name} ${key}, unit ${unit}`);
        });
      }
      const signs = (own: Tensors) => [...read(pick(own, `${directions[0]}/length`)).values].map(Math.sign);
      assert.deepEqual(signs(after), signs(params));
    }
  });
});

/** What the inputs are multiplied with, with weight norm or standardized. */
const weightsUnder = (isNormed: boolean) => (params: Tensors, name: string) =>
  isNormed ? weightsOf(true, params, name) : standardizedWeights(pick(params, name), pick(params, `${name}/length`));

test('update_norm is how far the weights went, where a bound holds them back and where a step is skipped', () => {
  const cell = digitsCell({ telemetry: 'full', learning_rate: 0.5, max_weight_norm: 0.3, steps: 3, eval_every: 1 });
  const assembled = assemble(cell);
  const { task, model } = assembled;
  const skipping: Transform = {
    init: () => ({}),
    update: (grads, state, { step }) => ({ grads, state, skip: step.equal(1).asScalar() }),
  };
  for (const strategies of [assembled.strategies, { gradient: skipping }]) {
    const { params, state } = model.init(streams, task.shape);
    const parts = { ...assembled, strategies };
    const initial = initialState(parts, params, state);
    const run = eager.train('', makeStep(parts), initial, assembled.constants);
    const next = task.batches(stream('data', 0));
    for (let t = 0; t < 3; t++) {
      const { x, y } = next(8);
      const before = run.read('params');
      const inputs = { x: hostTensor([8, 784], x), y: hostTensor([8, 10], y), step: hostTensor([], [t]) };
      const [scalars] = run.call([{ ...inputs, learning_rate: hostTensor([], [cell.learning_rate]) }]);
      const moved = Object.entries(run.read('params')).flatMap(([name, { values }]) =>
        [...values].map((value, i) => value - (before[name]?.values[i] ?? 0)),
      );
      const length = normOf(hostTensor([], moved));
      assertNear(scalars?.update_norm, length, 1e-5 * length, `step ${t}`);
      assert.equal(length === 0, strategies.gradient === skipping && t === 1);
    }
    run.dispose();
  }
});

/** Parameters after one step. */
const lastOf = (cell: Cell) => trained({ ...cell, steps: 1, eval_every: 1, telemetry: 'full' });

test('decoupled decay shrinks the weights beside the update; with plain SGD, coupled decay is the same', () => {
  const norms = (changes: Partial<Cell>) =>
    curve(lastOf(digitsCell({ learning_rate: 0.1, ...changes })), 'param_norm')[0] ?? 0;
  const [none, decoupled, coupled] = [{}, { weight_decay: 0.5 }, { weight_decay: 0.5, decay: 'coupled' as const }].map(
    norms,
  );
  assert.ok(decoupled !== undefined && none !== undefined && decoupled < 0.97 * none);
  assertNear((coupled ?? 0) / decoupled, 1, 1e-6);
  const adam = { optimizer: optimizer('adam'), weight_decay: 0.5 };
  assert.notEqual(norms(adam), norms({ ...adam, decay: 'coupled' }));
});

test('decay is not clipped, penalties are', () => {
  const clipped = { strategy: [strategy('global_norm', { max_norm: 0.01 })], learning_rate: 1 };
  const update = (changes: Partial<Cell>) =>
    curve(lastOf(digitsCell({ ...clipped, ...changes })), 'update_norm')[0] ?? 0;
  assertNear(update({ l2: 1 }), 0.01, 1e-6);
  assert.ok(update({ weight_decay: 0.5 }) > 0.5);
  assert.ok(update({ weight_decay: 0.5, decay: 'coupled' }) > 0.5);
});

test('micro-batches have the mean gradient of the whole batch', () => {
  const norms = (accumulate: number) =>
    trained(digitsCell({ accumulate, batch_size: 8, steps: 10, telemetry: 'full' })).steps;
  const [whole, parts] = [norms(1), norms(4)];
  whole.forEach(({ scalars }, t) => {
    for (const name of ['loss', 'grad_norm', 'param_norm']) {
      assertNear((parts[t]?.scalars[name] ?? 0) / (scalars[name] ?? 0), 1, 1e-5, `${name} at ${t}`);
    }
  });
  assert.notDeepEqual(parts, whole, 'rounding differs, so the micro-batches were really taken');
});

test('spikes multiply the gradient at their steps only', () => {
  const norms = (changes: Partial<Cell>) =>
    curve(trained(digitsCell({ learning_rate: 1e-9, steps: 6, ...changes })), 'grad_norm');
  const [plain, spiked] = [norms({}), norms({ spike_every: 3, spike_factor: 50 })];
  plain.forEach((norm = 0, t) => {
    assertNear((spiked[t] ?? 0) / norm, t === 2 || t === 5 ? 50 : 1, 1e-3, `step ${t}`);
  });
});

test('gradient noise has the deviation of its schedule, is new at each step, and the same for every strategy', () => {
  // A rate of nearly nothing: the gradients of the two runs differ by the noise alone.
  const run = (changes: Partial<Cell>) =>
    trained(digitsCell({ learning_rate: 1e-12, steps: 4, gradient_scale: 1e-6, ...changes }));
  const noisy = run({ gradient_noise: 0.04 });
  const { parameters } = noisy;
  curve(noisy, 'grad_norm').forEach((norm = 0, t) => {
    const deviation = 0.2 / (1 + t) ** 0.275;
    assertNear(norm / (deviation * Math.sqrt(parameters)), 1, 0.05, `step ${t}`);
  });
  assert.equal(new Set(curve(noisy, 'grad_norm')).size, 4);
  const clipped = run({ gradient_noise: 0.04, strategy: [strategy('global_norm', { max_norm: 0.1 })] });
  assert.deepEqual(curve(clipped, 'grad_norm'), curve(noisy, 'grad_norm'));
  assert.notDeepEqual(curve(run({ gradient_noise: 0.04, seed: 1 }), 'grad_norm'), curve(noisy, 'grad_norm'));
});

test('controls on the loss: smoothing raises it to its floor, and Huber makes large errors linear', () => {
  const loss = (cell: Cell) => curve(trained({ ...cell, steps: 1, eval_every: 1 }), 'loss')[0] ?? Number.NaN;
  const rate = { learning_rate: 1e-9 };
  const [hard, soft] = [loss(digitsCell(rate)), loss(digitsCell({ ...rate, label_smoothing: 0.3 }))];
  assert.ok(Math.abs(hard - soft) > 1e-3 && soft > 0.3, `${hard}, ${soft}`);
  const [squared, huber] = [loss(addingCell(rate)), loss(addingCell({ ...rate, huber: 0.01 }))];
  assert.ok(huber < squared, `${huber}, ${squared}`);
  assertNear(loss(addingCell({ ...rate, huber: 1e6 })), squared, 1e-7);
});

test('label noise changes that share of the training labels, for the run, and none that is evaluated', () => {
  const run = (changes: Partial<Cell>) =>
    trained(digitsCell({ learning_rate: 1e-9, steps: 40, batch_size: 50, ...changes }));
  const [clean, half, again] = [{}, { label_noise: 0.5 }, { label_noise: 0.5 }].map(run);
  assert.deepEqual(half, again);
  assert.notDeepEqual(curve(half ?? assert.fail(), 'loss'), curve(clean ?? assert.fail(), 'loss'));
  const evaluated = (summary = clean) => summary?.evals.filter(({ step }) => step === 0);
  assert.deepEqual(evaluated(half), evaluated());
});

const every: Partial<Cell>[] = [
  { schedule: choice(parts.schedules, 'cosine', { warmup: 2 }) },
  { weight_decay: 0.1 },
  { weight_decay: 0.1, decay: 'coupled' },
  { l1: 0.01, l2: 0.01 },
  { label_smoothing: 0.1 },
  { label_noise: 0.2 },
  { gradient_noise: 0.01 },
  { accumulate: 4 },
  { max_weight_norm: 0.5 },
  { spike_every: 2 },
  {
    accumulate: 2,
    gradient_noise: 0.1,
    spike_every: 3,
    spike_factor: 1e10,
    max_weight_norm: 1,
    weight_decay: 0.01,
    l1: 0.001,
  },
];

test('every control gives the bits of the eager engine, compiled', onNative, () => {
  const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  const textOf = (cell: Cell, on = eager) =>
    runText(
      '0123456789abcdef',
      cell,
      train(cell, () => 0, on),
    );
  for (const changes of every) {
    const cell = digitsCell({ telemetry: 'full', strategy: [strategy('global_norm', { max_norm: 0.1 })], ...changes });
    assert.deepEqual(textOf(cell, engine), textOf(cell), JSON.stringify(changes));
  }
  const huber = addingCell({ huber: 0.1 });
  assert.deepEqual(textOf(huber, engine), textOf(huber));
  engine.dispose();
});

test('what controls are on shapes the computation, how strong they are does not', onNative, () => {
  let compiled = 0;
  const inner = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  const keys = new Set<string>();
  const engine = { ...inner, train: (...words: Parameters<typeof inner.train>) => inner.train(...words) };
  engine.train = (key, ...rest) => {
    keys.add(key);
    compiled += 1;
    return inner.train(key, ...rest);
  };
  for (const weight_decay of [0.1, 0.2, 0.3]) {
    for (const gradient_noise of [0.1, 0.2]) train(digitsCell({ weight_decay, gradient_noise }), () => 0, engine);
  }
  assert.deepEqual([compiled, keys.size], [6, 1]);
  train(digitsCell({ weight_decay: 0.1 }), () => 0, engine);
  assert.equal(keys.size, 2);
  inner.dispose();
});

test('controls that mean nothing for a task are refused where they are written, and uneven micro-batches', () => {
  const file = (lines: string) =>
    `question: q\nsteps: 5\nseeds: 1\nmodel: rnn\noptimizer: {name: sgd, learning_rate: 0.1}\nstrategy: none\n${lines}`;
  const refusal = (lines: string) => {
    assert.throws(() => parseExperiment(file(lines), 'x.yaml'));
    try {
      parseExperiment(file(lines), 'x.yaml');
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return '';
  };
  assert.match(
    refusal('task: adding\nlabel_smoothing: 0.1\n'),
    /^x.yaml:8:18: label_smoothing means nothing for the loss of task "adding"/,
  );
  assert.match(
    refusal('task: row_mnist\nhuber: [0, 1]\n'),
    /^x.yaml:8:8: huber means nothing for the loss of task "row_mnist"/,
  );
  assert.match(
    refusal('task: row_mnist\nbatch_size: 9\naccumulate: 4\n'),
    /^x.yaml:9:13: accumulate 4 doesn't divide batch_size 9/,
  );
  assert.match(
    refusal('task: adding\nschedule: {name: cosin}\n'),
    /^x.yaml:8:18: unknown schedule "cosin"; did you mean "cosine"/,
  );
  parseExperiment(
    file('task: adding\nschedule: [constant, {name: cosine, warmup: [0, 4]}]\nweight_decay: [0, 0.1]\n'),
    'x.yaml',
  );
});

test('noisy labels are a share of uniform ones, stay the same for an example, and fit targets of both kinds', () => {
  const classes = 4;
  const changed = (share: number, seed: number) => {
    const relabel = labelNoise(share, { input: [1], output: classes }, seed);
    return Array.from({ length: 2000 }, (_, example) => {
      const target = Float32Array.of(0, 1, 0, 0);
      relabel(example, target);
      assert.equal(
        target.reduce((sum, value) => sum + value, 0),
        1,
      );
      return target.indexOf(1);
    });
  };
  const labels = changed(0.4, 0);
  assert.deepEqual(changed(0.4, 0), labels);
  assert.notDeepEqual(changed(0.4, 1), labels);
  // 1 of 4 uniform labels is the right one; 0.06 is more than five deviations.
  for (let label = 0; label < classes; label++) {
    const share = labels.filter((one) => one === label).length / labels.length;
    assertNear(share, label === 1 ? 0.6 + 0.1 : 0.1, 0.06, `class ${label}`);
  }
  const numbers = labelNoise(1, { input: [3], output: 9, times: 3, target: 3 }, 0);
  const target = Float32Array.of(-1, -1, -1);
  numbers(5, target);
  assert.ok(
    target.every((value) => Number.isInteger(value) && value >= 0 && value < 9),
    `${target}`,
  );
});

test('batch norm that would see one example at a time is refused', () => {
  const file = (lines: string) =>
    `question: q\nsteps: 5\nseeds: 1\ntask: mnist\nmodel: {name: mlp, norm: batch}\noptimizer: {name: sgd, learning_rate: 0.1}\nstrategy: none\n${lines}`;
  const words = /batch norm of model "mlp" would see one example at a time/;
  assert.throws(() => parseExperiment(file('batch_size: 8\naccumulate: 8\n'), 'x.yaml'), words);
  assert.throws(() => parseExperiment(file('batch_size: 1\n'), 'x.yaml'), words);
  parseExperiment(file('batch_size: 8\naccumulate: 4\n'), 'x.yaml');
});
