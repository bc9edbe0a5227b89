/** Clipping in programs of others: `clipped` and `clipGradients`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { chosenBy } from '../src/apply/spec.ts';
import { applySteps } from '../src/apply/steps.ts';
import { fromJson, tensorsSchema, toJson } from '../src/apply/tensor.ts';
import { eager } from '../src/engine/eager.ts';
import { leavesOut, readers, readyClip } from '../src/tfjs/clip.ts';
import { type ClipState, clipGradients, clipped, type Spec } from '../src/tfjs/index.ts';
import { transforms } from '../src/transforms.ts';
import type { TransformPart } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { variants } from './support/choices.ts';
import { appliedCases, given } from './support/golden_apply.ts';
import { assertNear, bits, bitsOf, freed, toHost, toTensors } from './support/host.ts';

const backends: ('native' | 'wasm' | 'cpu')[] = ['native', 'wasm', 'cpu'];
const isRefused = ({ needs = 'batch' }: TransformPart) => needs !== 'batch';
const allowed = transforms.strategies.filter((part) => !isRefused(part));
const specsOf = (part: TransformPart): { name: string }[] =>
  variants(part).map((options) => ({ ...options, name: part.name }));
const middle = (part: TransformPart) => specsOf(part)[0] ?? assert.fail(part.name);

/** Two layers' worth of variables, and a loss with a spike in it. */
function problem(prefix: string) {
  const w = tf.variable(tf.tensor2d([0.5, -1, 2, 0.25, 1, -0.75], [3, 2]), true, `${prefix}/w`);
  const b = tf.variable(tf.tensor1d([0.1, -0.2]), true, `${prefix}/b`);
  const x = tf.tensor2d([1, 2, -1, 0.5, 3, 1, -2, 1, 0, 1, 1, 1], [4, 3]);
  const lossAt = (t: number) => () =>
    tf
      .square(
        x
          .matMul<tf.Tensor2D>(w)
          .add(b)
          .sub(t % 4 === 3 ? 40 : 1),
      )
      .mean()
      .asScalar();
  const variables: tf.Variable[] = [w, b];
  return { variables, lossAt, free: () => tf.dispose([w, b, x]) };
}

const weightsOf = (variables: tf.Variable[]) => variables.map((v) => bits(Float32Array.from(v.dataSync())));

let runs = 0;
/** Weights after steps with this optimizer. */
function trained(optimizer: tf.Optimizer, from: number, steps: number, made = problem(`run${runs++}`)) {
  for (let t = from; t < from + steps; t++) optimizer.minimize(made.lossAt(t), false, made.variables);
  return made;
}

onBackends(backends, 'every golden case that apply takes comes out of clipGradients with the same bits', () => {
  let count = 0;
  for (const { example, input } of appliedCases) {
    const { strategy, weights, steps, learning_rate = 0.01 } = given(input);
    const chosen = chosenBy(strategy);
    const part = transforms.strategies.find(({ name }) => name === chosen.clips[0]?.name);
    if (part === undefined || isRefused(part) || chosen.optimizer !== undefined) continue;
    if (steps.some(({ workers }) => workers !== undefined)) continue;
    count++;
    const wanted = applySteps(given(input), eager).steps;
    freed(() => {
      let state: ClipState | undefined;
      steps.forEach(({ grads = [], updates = grads, loss = 0 }, t) => {
        const own = toTensors(fromJson(updates, 'updates'));
        const zeros = Object.fromEntries(Object.entries(own).map(([name, tensor]) => [name, tf.zerosLike(tensor)]));
        const out = clipGradients(own, strategy, state, {
          params: weights === undefined ? zeros : toTensors(fromJson(weights, 'weights')),
          gradient: toTensors(fromJson(grads, 'grads')),
          ...{ loss: tf.scalar(Number(loss)), learning_rate },
        });
        state = out.state;
        const got = tensorsSchema.parse(JSON.parse(JSON.stringify(toJson(toHost(out.grads), updates))));
        assert.deepEqual(got, JSON.parse(JSON.stringify(wanted[t]?.grads)), `${example.id}, step ${t}`);
      });
    });
  }
  assert.ok(count > 150, `${count} cases`);
});

/** The harness' own functions and steps of the optimizer by hand. */
onBackends(backends, 'every strategy for gradients does in clipped what apply says, on sgd', () => {
  for (const part of allowed.filter(({ name }) => !readers.gradient.includes(name))) {
    for (const spec of specsOf(part)) {
      const { name } = spec;
      const made = problem(`equal${runs++}`);
      const optimizer = clipped(tf.train.sgd(0.125), spec);
      const steps: { before: Float32Array[]; grads: Record<string, tf.Tensor>; after: Float32Array[]; loss: number }[] =
        [];
      const values = () => made.variables.map((v) => Float32Array.from(v.dataSync()));
      for (let t = 0; t < 6; t++) {
        const before = values();
        const { grads, value } = tf.variableGrads(made.lossAt(t), made.variables);
        optimizer.minimize(made.lossAt(t), false, made.variables);
        steps.push({ before, grads, after: values(), loss: value.dataSync()[0] ?? 0 });
        value.dispose();
      }
      freed(() => {
        let state: ClipState | undefined;
        steps.forEach(({ before, grads, after, loss }, t) => {
          const shaped = before.map((w, i) => tf.tensor(w, made.variables[i]?.shape));
          const params = Object.fromEntries(made.variables.map((v, i) => [v.name, shaped[i] ?? tf.scalar(0)]));
          const ordered = Object.fromEntries(made.variables.map((v) => [v.name, grads[v.name] ?? tf.scalar(0)]));
          const out = clipGradients(ordered, spec, state, { params, loss: tf.scalar(loss), learning_rate: 0.125 });
          state = out.state;
          const isSkipped = out.skip?.dataSync()[0] === 1;
          made.variables.forEach(({ name: variable }, i) => {
            const wanted = isSkipped
              ? before[i]
              : params[variable]?.add(out.grads[variable]?.mul(-0.125) ?? 0).dataSync();
            assert.deepEqual(
              bits(after[i] ?? new Float32Array()),
              bits(Float32Array.from(wanted ?? [])),
              `${name} ${t}`,
            );
          });
        });
      });
      tf.dispose(steps.map(({ grads }) => grads));
      optimizer.dispose();
      made.free();
    }
  }
});

test('what a strategy reads of weights, loss and rate is as listed, and refused where it is missing', () => {
  const gradient = { w: tf.tensor1d([3, -4]) };
  const known = { params: { w: tf.tensor1d([1, 2]) }, loss: tf.scalar(1), learning_rate: 0.1, gradient };
  for (const part of allowed) {
    for (const what of ['params', 'loss', 'learning_rate', 'gradient'] as const) {
      const call = (without: object) =>
        freed(() => bitsOf(toHost(clipGradients({ w: tf.tensor1d([3, 4]) }, middle(part), undefined, without).grads)));
      const { [what]: _, ...rest } = known;
      if (!readers[what].includes(part.name)) assert.deepEqual(call(rest), call(known), `${part.name} without ${what}`);
      else assert.throws(() => call(rest), { message: `strategy "${part.name}" needs ${what}` });
    }
  }
});

test('whether a strategy leaves steps out is known before it is used', () => {
  for (const part of allowed) {
    for (const options of variants(part)) {
      const spec = { ...options, name: part.name };
      const grads = { w: tf.tensor1d([3, 4]) };
      const known = { params: grads, loss: tf.scalar(1), learning_rate: 0.1, gradient: grads };
      const { skip } = clipGradients(grads, spec, undefined, known);
      assert.equal(leavesOut({ name: part.name, options }), skip !== undefined, JSON.stringify(spec));
    }
  }
});

const refusals: [Spec, string][] = [
  ...(['dp_automatic', 'dp_per_tensor', 'dp_quantile', 'dp_sgd'] as const).map((name): [Spec, string] => [
    middle(transforms.strategies.find((part) => part.name === name) ?? assert.fail(name)),
    `strategy "${name}" needs the gradient of every example, and an optimizer is given their mean`,
  ]),
  [
    { name: 'backward_value', clip_value: 1 },
    'strategy "backward_value" acts inside back-propagation, before an optimizer is given anything',
  ],
  [
    { name: 'clip21', max_norm: 1 },
    'strategy "clip21" needs the gradient of every worker, and an optimizer is given their mean',
  ],
  [
    { name: 'value', clip_value: 1, place: 'micro_batch' },
    'strategy "value" is placed on micro-batches, and an optimizer is given their mean; take place: gradient or update',
  ],
  [
    { name: 'value', clip_value: 1, place: 'update', non_finite: 'skip_step' },
    'strategy "value" leaves steps out, and what the optimizer did by then stays in its state; take place: gradient',
  ],
  ['spam', '"spam" is an optimizer that clips by itself, no strategy; it runs in a matrix (clipbench run)'],
  [
    { name: 'norm', max_norm: { quantile: 0.5, probe: 10 } },
    'strategy "norm": max_norm is {"quantile":0.5,"probe":10}; relative thresholds and schedules are of runs (clipbench run): give a number',
  ],
];
for (const [spec, message] of refusals) {
  test(`refuses ${JSON.stringify(spec)}`, () => {
    assert.throws(() => clipped(tf.train.sgd(0.1), spec), { message });
    assert.throws(() => clipGradients({}, spec), { message });
  });
}

test('every strategy is either refused or tried', () => {
  const refused = transforms.strategies.filter(isRefused);
  for (const part of refused) assert.throws(() => readyClip(middle(part)), /optimizer is given/, part.name);
  assert.equal(refused.length + allowed.length, transforms.strategies.length);
});

onBackends(backends, 'restored after five steps, five more are the bits of ten', async () => {
  for (const name of ['zclip', 'adagc', 'u_clip']) {
    const part = transforms.strategies.find((one) => one.name === name) ?? assert.fail(name);
    const spec = { ...middle(part), ...(name === 'u_clip' && { bound: 0.1 }) };
    const make = () => clipped(tf.train.adam(0.05), spec);
    const straight = trained(make(), 0, 10);
    const first = make();
    const half = trained(first, 0, 5);
    const saved = (await first.getWeights()).map((one) => ({ name: one.name, tensor: one.tensor.clone() }));
    assert.equal(saved[0]?.name, 'iter');
    const other = problem(`restored${runs++}`);
    for (const [i, v] of other.variables.entries()) v.assign(half.variables[i] ?? v);
    const second = make();
    await second.setWeights(saved);
    assert.equal(second.iterations, 5);
    trained(second, 5, 5, other);
    assert.deepEqual(weightsOf(other.variables), weightsOf(straight.variables), name);
  }
});

test('a saved model with its optimizer goes on with the same bits', async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  model.compile({ optimizer: clipped(tf.train.adam(0.01), { name: 'zclip', warmup: 2 }), loss: 'meanSquaredError' });
  const [x, y] = [
    tf.tensor2d([
      [1, 2],
      [3, -1],
      [0, 1],
    ]),
    tf.tensor2d([[1], [2], [9]]),
  ];
  await model.fit(x, y, { epochs: 4, shuffle: false, verbose: 0 });
  const kept: tf.io.ModelArtifacts[] = [];
  const handler = tf.io.withSaveHandler(async (artifacts) => {
    kept.push(artifacts);
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  });
  await model.save(handler, { includeOptimizer: true });
  const restored = await tf.loadLayersModel(tf.io.fromMemory(kept[0] ?? assert.fail('not saved')));
  for (const one of [model, restored]) await one.fit(x, y, { epochs: 4, shuffle: false, verbose: 0 });
  const values = (one: tf.LayersModel) => one.getWeights().map((w) => bits(Float32Array.from(w.dataSync())));
  assert.deepEqual(values(restored), values(model));
});

test('a skipped step leaves weights and the wrapped optimizer as they were', async () => {
  const inner = tf.train.adam(0.1);
  const optimizer = clipped(inner, { name: 'value', clip_value: 1, non_finite: 'skip_step' });
  const { variables } = trained(optimizer, 0, 3);
  const state = async () => [
    ...weightsOf(variables),
    ...(await inner.getWeights()).map(({ tensor }) => [...tensor.dataSync()]),
  ];
  const before = await state();
  optimizer.applyGradients(variables.map((v) => ({ name: v.name, tensor: tf.fill(v.shape, Number.NaN) })));
  assert.deepEqual(await state(), before);
  assert.equal(optimizer.iterations, 4);
});

for (const place of ['gradient', 'update'] as const) {
  test(`non_finite: raise throws and leaves the weights as they were (${place})`, () => {
    const optimizer = clipped(tf.train.sgd(0.1), { name: 'none', non_finite: 'raise', place });
    const { variables } = trained(optimizer, 0, 2);
    const before = weightsOf(variables);
    const grads = variables.map((v) => ({ name: v.name, tensor: tf.fill(v.shape, Number.NaN) }));
    assert.throws(() => optimizer.applyGradients(grads), {
      message: 'the gradient is not finite, and non_finite is "raise"',
    });
    assert.deepEqual(weightsOf(variables), before);
  });
}

test('the loss is known in minimize, and refused where it is not', () => {
  const optimizer = clipped(tf.train.sgd(0.1), 'skip_spike');
  const { variables } = trained(optimizer, 0, 2);
  const grads = Object.fromEntries(variables.map((v) => [v.name, tf.zerosLike(v)]));
  assert.throws(() => optimizer.applyGradients(grads), { message: 'strategy "skip_spike" needs loss' });
});

test('on the update, a bound holds for the direction that adam takes', () => {
  const optimizer = clipped(tf.train.adam(0.5), { name: 'global_norm', max_norm: 0.25, place: 'update' });
  const made = problem('update');
  const norm = () =>
    freed(() =>
      tf
        .concat1d(made.variables.map((v) => v.flatten<tf.Tensor1D>()))
        .dataSync()
        .slice(),
    );
  const before = norm();
  trained(optimizer, 0, 1, made);
  const moved = Math.hypot(...norm().map((w, i) => w - (before[i] ?? 0)));
  assertNear(moved, 0.5 * 0.25, 1e-6, 'how far the weights went');
});

test('cautious leaves weights where they are that momentum would move against the gradient', () => {
  const made = problem('cautious');
  const optimizer = clipped(tf.train.momentum(0.5, 0.9), { name: 'cautious', rescale: 'timm', place: 'update' });
  const seen = Array.from({ length: 6 }, (_, t) => {
    const before = made.variables.map((v) => v.dataSync().slice());
    const { grads } = tf.variableGrads(made.lossAt(t), made.variables);
    optimizer.applyGradients(grads);
    return made.variables.flatMap((v, i) =>
      [...v.dataSync()].map((w, j) => ({
        moved: w - (before[i]?.[j] ?? 0),
        gradient: grads[v.name]?.dataSync()[j] ?? 0,
      })),
    );
  }).flat();
  assert.ok(seen.every(({ moved, gradient }) => moved * gradient <= 0));
  assert.ok(seen.some(({ moved, gradient }) => moved === 0 && gradient !== 0));
  assert.throws(() => clipped(tf.train.sgd(0.1), 'cautious'), {
    message: 'strategy "cautious" compares an update with the gradient; write place: update',
  });
});

test('variables without a gradient stay, beside those that have one', () => {
  const made = problem('unused');
  const unused = tf.variable(tf.scalar(3), true, 'unused/alone');
  const optimizer = clipped(tf.train.momentum(0.1, 0.9), { name: 'norm', max_norm: 1, include: ['*/w'] });
  for (let t = 0; t < 2; t++) optimizer.minimize(made.lossAt(t), false, [unused, ...made.variables]);
  assert.equal(unused.dataSync()[0], 3);
});

test('other variables from step to step are refused where a strategy remembers something of each, and else taken', () => {
  const made = problem('changing');
  const [w = assert.fail('w'), b = assert.fail('b')] = made.variables;
  const alternate = (spec: Spec) => {
    const optimizer = clipped(tf.train.sgd(0.01), spec);
    optimizer.minimize(made.lossAt(0), false, [w, b]);
    optimizer.minimize(made.lossAt(1), false, [b]);
    optimizer.minimize(made.lossAt(2), false, [w, b]);
    optimizer.dispose();
  };
  for (const spec of ['zclip', 'autoclip', 'skip_non_finite']) alternate(spec);
  for (const spec of [{ name: 'adagc' }, { name: 'u_clip', bound: 1 }]) {
    assert.throws(() => alternate(spec), {
      message:
        'the variables with gradients were ["changing/w","changing/b"] and are ["changing/b"], and the strategy remembers something of each; give each set of variables an optimizer or state of its own',
    });
  }
  made.free();
});

onBackends(backends, 'a thousand steps leave no tensor behind', () => {
  for (const spec of [{ name: 'zclip' }, { name: 'skip_spike' }, { name: 'norm', max_norm: 1, place: 'update' }]) {
    const optimizer = clipped(tf.train.adam(0.01), spec);
    const made = trained(optimizer, 0, 2);
    const before = tf.memory().numTensors;
    trained(optimizer, 2, 1000, made);
    assert.equal(tf.memory().numTensors, before, spec.name);
  }
});

onBackends(backends, 'a thousand steps of a loop of its own leave no tensor behind', () => {
  const grads = { w: tf.tensor1d([3, -4]), b: tf.scalar(2) };
  const spec = { chain: [{ name: 'value', clip_value: 1 }, 'zclip', { name: 'none', non_finite: 'skip_step' }] };
  const before = tf.memory().numTensors;
  let state: ClipState | undefined;
  for (let t = 0; t < 1000; t++) {
    const out = clipGradients(grads, spec, state);
    tf.dispose([out.grads, out.info, out.skip ?? [], state?.tensors ?? []]);
    state = out.state;
  }
  tf.dispose(state?.tensors);
  assert.equal(tf.memory().numTensors, before);
  tf.dispose(grads);
});

onBackends(backends, 'a thousand fits leave no tensor behind, and dispose frees what the optimizer held', async () => {
  const outside = tf.memory().numTensors;
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  model.compile({ optimizer: clipped(tf.train.adam(1e-3), { name: 'adagc', warmup: 2 }), loss: 'meanSquaredError' });
  const [x, y] = [tf.ones([4, 2]), tf.zeros([4, 1])];
  const fit = () => model.fit(x, y, { epochs: 1, verbose: 0, yieldEvery: 'never' });
  await fit();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 1000; i++) await fit();
  assert.equal(tf.memory().numTensors, before);
  tf.dispose([x, y]);
  model.optimizer.dispose();
  model.dispose();
  assert.equal(tf.memory().numTensors, outside);
});
