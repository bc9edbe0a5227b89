/** What programs of TensorFlow.js do with a clipped optimizer beside training once: load, save in the middle, change rates, go wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type ClipState, clipGradients, clipped, type Spec } from '../src/tfjs/index.ts';
import { plainNames } from '../src/tfjs/optimizer.ts';
import { Finding, UsageError } from '../src/types.ts';

await tf.setBackend('cpu');

const [X, Y] = [tf.ones([4, 2]), tf.zeros([4, 1])];
const layersModel = () =>
  tf.sequential({
    layers: [tf.layers.dense({ name: 'head', units: 1, inputShape: [2], kernelInitializer: 'ones' })],
  });
const valuesOf = (tensors: tf.Tensor[]) => tensors.map((tensor) => Array.from(tensor.dataSync()));
let made = 0;
const variable = (values: number[]) => tf.variable(tf.tensor1d(values), true, `programs/w${made++}x`);

test('patterns choose the same weights in a second model of the same layers', async () => {
  for (let fold = 0; fold < 3; fold++) {
    const model = layersModel();
    const spec = { name: 'value', clip_value: 0.001, include: ['head/kernel'] };
    model.compile({ optimizer: clipped(tf.train.sgd(1), spec), loss: 'meanSquaredError' });
    await model.fit(X, Y, { verbose: 0, epochs: 1 });
    const [kernel = [], bias = []] = valuesOf(model.getWeights());
    assert.ok(
      kernel.every((w) => Math.abs(w - 0.999) < 1e-6),
      `fold ${fold}: ${kernel}`,
    );
    assert.ok(Math.abs(bias[0] ?? 0) > 1, `fold ${fold}: ${bias}`);
  }
});

test('a loaded model goes on with the state of a strategy that sees some of the weights', async () => {
  const spec: Spec = {
    chain: [
      { name: 'u_clip', bound: 0.1, exclude: ['*/bias'] },
      { name: 'adagc', include: ['*/kernel'] },
    ],
  };
  const model = layersModel();
  model.compile({ optimizer: clipped(tf.train.adam(0.1), spec), loss: 'meanSquaredError' });
  await model.fit(X, Y, { verbose: 0, epochs: 2 });
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
    { includeOptimizer: true },
  );
  assert.ok(saved !== undefined);
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
  for (const own of [model, loaded]) await own.fit(X, Y, { verbose: 0, epochs: 3 });
  assert.deepEqual(valuesOf(loaded.getWeights()), valuesOf(model.getWeights()));
});

test('names lose what tfjs adds to them, unless two would be one or a pattern names them', () => {
  const short = (names: string[], patterns: string[] = []) => [...plainNames(names, patterns).values()];
  assert.deepEqual(short(['dense_Dense1/kernel_1', 'dense_Dense1/bias_12']), [
    'dense_Dense1/kernel',
    'dense_Dense1/bias',
  ]);
  assert.deepEqual(short(['a/w', 'a/w_1', 'w_1', 'b/w_2']), ['a/w', 'a/w_1', 'w_1', 'b/w']);
  assert.deepEqual(short(['a/w_1'], ['a/w_1']), ['a/w_1']);
});

test('patterns that leave a strategy nothing to do are refused, at the first step', () => {
  const w = variable([30, 40]);
  const spec = { name: 'global_norm', max_norm: 1, include: ['dens*'] };
  assert.throws(
    () => clipped(tf.train.sgd(1), spec).applyGradients({ [w.name]: tf.tensor1d([30, 40]) }),
    new UsageError(`strategy "global_norm" sees none of the variables ${w.name}; change include or exclude`),
  );
  assert.throws(() => clipGradients({ w: tf.tensor1d([1]) }, spec), /sees none of the variables w; /);
  assert.deepEqual(valuesOf([w]), [[30, 40]]);
});

test('at a rate of 0 weights stay, with every optimizer and on the update too', () => {
  for (const optimizer of [tf.train.sgd(0), tf.train.adam(0)]) {
    const w = variable([1, 2]);
    const own = clipped(optimizer, { chain: ['adagc', { name: 'u_clip', bound: 1, place: 'update' }] });
    for (let t = 0; t < 2; t++) own.applyGradients({ [w.name]: tf.tensor1d([1, -3]) });
    assert.deepEqual(valuesOf([w]), [[1, 2]]);
    Reflect.set(own, 'learningRate', 0.5);
    own.applyGradients({ [w.name]: tf.tensor1d([1, -3]) });
    assert.ok(valuesOf([w])[0]?.every((value, i) => Number.isFinite(value) && value !== i + 1));
  }
});

test('the learning rate is read and changed as that of the wrapped optimizer', () => {
  for (const optimizer of [tf.train.sgd(0.1), tf.train.momentum(0.1, 0.9), tf.train.adam(0.1), tf.train.rmsprop(0.1)]) {
    const own = clipped(optimizer, { name: 'value', clip_value: 1 });
    assert.equal(Reflect.get(own, 'learningRate'), 0.1);
    Reflect.set(own, 'learningRate', 0.25);
    const [w, v] = [variable([1]), variable([1])];
    own.applyGradients({ [w.name]: tf.tensor1d([0.5]) });
    const Fresh = {
      SGD: tf.train.sgd(0.25),
      Momentum: tf.train.momentum(0.25, 0.9),
      Adam: tf.train.adam(0.25),
      RMSProp: tf.train.rmsprop(0.25),
    };
    Object.entries(Fresh)
      .find(([name]) => name === optimizer.getClassName())?.[1]
      .applyGradients([{ name: v.name, tensor: tf.tensor1d([0.5]) }]);
    assert.deepEqual(valuesOf([w]), valuesOf([v]), optimizer.getClassName());
  }
});

test('embeddings of layers have a unit for each token', () => {
  const name = 'embedding_Embedding1/embeddings';
  const grads = {
    [name]: tf.tensor2d([
      [10, 0],
      [0, 0.001],
      [0, 0],
    ]),
  };
  const out = clipGradients(grads, { name: 'agc', clipping: 0.1 }, undefined, { params: { [name]: tf.ones([3, 2]) } });
  const [first = 0] = valuesOf([out.grads[name] ?? assert.fail()])[0] ?? [];
  assert.ok(Math.abs(first - 0.1 * Math.SQRT2) < 1e-6, `${first}`);
});

test('an optimizer takes back its own weights, and those of an earlier step while it trains on', async () => {
  for (const spec of ['none', 'zclip', { name: 'u_clip', bound: 0.5 }] as Spec[]) {
    const gradient = (t: number) => tf.tensor1d([Math.sin(t), 3 * Math.cos(t)]);
    const w = variable([1, 2]);
    const own = clipped(tf.train.adam(0.1), spec);
    const other = variable([1, 2]);
    const plain = clipped(tf.train.adam(0.1), spec);
    for (let t = 0; t < 6; t++) {
      if (t === 3) await own.setWeights(await own.getWeights());
      own.applyGradients({ [w.name]: gradient(t) });
      plain.applyGradients({ [other.name]: gradient(t) });
    }
    assert.deepEqual(valuesOf([w]), valuesOf([other]));
    const weights = await own.getWeights();
    own.applyGradients({ [w.name]: gradient(6) });
    const later = clipped(tf.train.adam(0.1), spec);
    await later.setWeights(weights);
    assert.ok(weights.every(({ tensor }) => !tensor.isDisposed));
  }
});

test('a step that ends the run leaves what was restored as it was', async () => {
  const spec = { name: 'u_clip', bound: 0.5, non_finite: 'raise' };
  const [w, v] = [variable([1, 1]), variable([1, 1])];
  const own = clipped(tf.train.sgd(0.1), spec);
  own.applyGradients({ [w.name]: tf.tensor1d([3, 0.1]) });
  const restored = clipped(tf.train.sgd(0.1), spec);
  await restored.setWeights(await own.getWeights());
  v.assign(w);
  assert.throws(() => restored.applyGradients({ [v.name]: tf.tensor1d([Number.NaN, 4]) }), Finding);
  restored.applyGradients({ [v.name]: tf.tensor1d([0, 0]) });
  own.applyGradients({ [w.name]: tf.tensor1d([0, 0]) });
  assert.deepEqual(valuesOf([v]), valuesOf([w]));
});

test('steps that end the run leave no tensor behind', () => {
  const w = variable([1]);
  const own = clipped(tf.train.sgd(0.1), { name: 'none', non_finite: 'raise' });
  const loss = () => w.mul(Number.NaN).sum().asScalar();
  assert.throws(() => own.minimize(loss, false, [w]), Finding);
  const before = tf.memory().numTensors;
  for (let t = 0; t < 5; t++) assert.throws(() => own.minimize(loss, false, [w]), Finding);
  assert.equal(tf.memory().numTensors, before);
});

test('what is no optimizer, clips already, or zeroes an update too late is refused where it is made', () => {
  const bare: unknown = 'adam';
  const refused: [() => unknown, RegExp][] = [
    [() => Reflect.apply(clipped, undefined, [bare, 'none']), /^"adam" is no optimizer; give one/],
    [() => clipped(clipped(tf.train.adam(0.1), 'zclip'), 'none'), /clipped already; write both strategies as \{chain/],
    [
      () => clipped(tf.train.adam(0.1), { name: 'value', clip_value: 1, place: 'update', non_finite: 'zero' }),
      /stays in its state; take place: gradient/,
    ],
  ];
  for (const [make, says] of refused) {
    assert.throws(make, (error) => error instanceof UsageError && says.test(error.message));
  }
});

test('a threshold of Infinity is none, and no gradients are no step', () => {
  const grads = { w: tf.tensor1d([30, 40]) };
  const { grads: out } = clipGradients(grads, { name: 'global_norm', max_norm: Number.POSITIVE_INFINITY });
  assert.deepEqual(valuesOf(Object.values(out)), [[30, 40]]);
  for (const spec of ['zclip', 'adagc', { name: 'global_norm', max_norm: 1 }] as Spec[]) {
    clipped(tf.train.adam(0.1), spec).applyGradients({});
    assert.deepEqual(clipGradients({}, spec).grads, {});
  }
});

test('the state of a loop is refused by another strategy, and by other tensors where it is of each', () => {
  const spec = { name: 'adagc', warmup: 1 };
  const grads = { a: tf.tensor1d([1]), b: tf.tensor1d([100]) };
  const { state } = clipGradients(grads, spec);
  const refused = (own: Record<string, tf.Tensor>, other: Spec, says: RegExp, given: ClipState = state) =>
    assert.throws(
      () => clipGradients(own, other, given),
      (error) => error instanceof UsageError && says.test(error.message),
    );
  refused({ b: grads.b, a: grads.a }, spec, /the variables with gradients were \["a","b"\] and are \["b","a"\]/);
  refused({ a: grads.a }, spec, /were \["a","b"\] and are \["a"\]/);
  refused(grads, 'zclip', /^the state is of adagc, and the strategy is zclip$/);
  assert.throws(
    () => clipGradients(grads, { name: 'agc' }, undefined, { params: { a: grads.a } }),
    new UsageError('params lack "b", for which there is a gradient'),
  );
  clipGradients({ b: grads.b, a: grads.a }, 'zclip', clipGradients(grads, 'zclip').state);
});
