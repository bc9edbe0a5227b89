import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../src/engine/backend.ts';
import { compileStep } from '../src/engine/compile-step.ts';
import { native } from '../src/engine/compiled/binding.ts';
import { type Recordable, record } from '../src/engine/compiled/record.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager, toHost } from '../src/engine/eager.ts';
import { lazyWhere } from '../src/lazy.ts';
import { parts } from '../src/parts.ts';
import { runText } from '../src/run/text.ts';
import { train } from '../src/train/loop.ts';
import type { Cell, Step, Tensors } from '../src/types.ts';
import { addingCell, digitsCell, optimizer, strategy } from './support/cells.ts';
import { clipbench, experimentFile, resultHashes, temporaryFolder } from './support/clipbench.ts';
import { randomCells, strategies } from './support/combinations.ts';
import { hostTensor } from './support/host.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };
const never = (why: string) => assert.fail(`fell back: ${why}`);

/** Everything that is kept of a run: its rows, its hash chain, its parameters at every evaluation. */
const textOf = (cell: Cell, engine = eager) =>
  runText(
    '0123456789abcdef',
    cell,
    train(cell, () => 0, engine),
  );

test('every strategy, optimizer and model gives the bits of the eager engine', onNative, () => {
  const engine = compiledEngine('repro', never);
  const cells = [
    ...strategies.map((own) => addingCell({ strategy: [own], telemetry: 'full' })),
    ...parts.optimizers.map(({ name }) => digitsCell({ optimizer: optimizer(name), learning_rate: 0.01 })),
    ...parts.optimizers.map(({ name }) => addingCell({ optimizer: optimizer(name), learning_rate: 0.01 })),
    addingCell({ strategy: [strategy('value', { clip_value: 0.01 }), strategy('global_norm', { max_norm: 0.1 })] }),
    digitsCell({ telemetry: 'off' }),
  ];
  for (const cell of cells) assert.deepEqual(textOf(cell, engine), textOf(cell), JSON.stringify(cell));
  engine.dispose();
});

/** What every strategy makes of such gradients by itself is in strategies_engines.test.ts. */
test('huge, vanishing and non-finite gradients give the bits of the eager engine too', onNative, () => {
  const engine = compiledEngine('repro', never);
  for (const gradient_scale of [1e30, 1e38, 1e-38, 3e-45]) {
    for (const own of strategies.filter(({ name }) => /^(none|value|norm|global_norm)$/.test(name))) {
      const cell = digitsCell({ gradient_scale, strategy: [own], telemetry: 'full' });
      assert.deepEqual(textOf(cell, engine), textOf(cell), JSON.stringify(cell));
    }
  }
  const diverging = digitsCell({ gradient_scale: 1e38 });
  assert.equal(train(diverging, () => 0, engine).status, 'diverged');
  engine.dispose();
});

test('random combinations give the bits of the eager engine', onNative, () => {
  const engine = compiledEngine('repro', never);
  for (const cell of randomCells('combinations', 16)) {
    assert.deepEqual(textOf(cell, engine), textOf(cell), JSON.stringify(cell));
  }
  engine.dispose();
});

test('cells that differ in numbers only share what is compiled, and nothing is left behind', onNative, () => {
  const { binding } = native();
  textOf(digitsCell()); // loads the data
  const before = {
    tensors: tf.memory().numTensors,
    handles: binding.getNumOfTensors(),
    models: binding.getNumOfSavedModels(),
  };
  const engine = compiledEngine('repro', never);
  for (const max_norm of [0.01, 0.1, 1]) {
    for (const seed of [0, 1]) {
      textOf(digitsCell({ seed, learning_rate: max_norm, strategy: [strategy('global_norm', { max_norm })] }), engine);
    }
  }
  // One for training, one for evaluation.
  assert.equal(binding.getNumOfSavedModels() - before.models, 2);
  engine.dispose();
  const after = {
    tensors: tf.memory().numTensors,
    handles: binding.getNumOfTensors(),
    models: binding.getNumOfSavedModels(),
  };
  assert.deepEqual(after, before);
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`clipbench-step-${process.pid}-`));
  assert.deepEqual(left, []);
});

test('of many structures the latest stay compiled, and an older one can be had again', onNative, () => {
  const { binding } = native();
  const before = binding.getNumOfSavedModels();
  const engine = compiledEngine('repro', never);
  const double: Step = ({ w = tf.scalar(0) }) => ({ state: { w: w.mul(2) }, scalars: { w: w.asScalar() } });
  const doubled = (key: string) => {
    const run = engine.train(key, double, { w: tf.scalar(1) }, {});
    const seen = [0, 1, 2].map((t) => run.call([{ step: hostTensor([], [t]) }])[0]?.w);
    run.dispose();
    return seen;
  };
  for (let n = 0; n < 40; n++) assert.deepEqual(doubled(`structure ${n}`), [1, 2, 4]);
  assert.equal(binding.getNumOfSavedModels() - before, 32);
  assert.deepEqual(doubled('structure 0'), [1, 2, 4]);
  engine.dispose();
  assert.equal(binding.getNumOfSavedModels(), before);
});

test('both engines leave the same CSV files, and a folder holds one engine only', onNative, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(
    folder,
    `question: Is the engine seen in the results?
seeds: 2
steps: 6
batch_size: 4
eval_every: 3
telemetry: full
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[3]]}
optimizer: {name: adam, learning_rate: 0.01}
strategy: [none, {name: global_norm, max_norm: 0.1}]
`,
  );
  const [compiled, op_by_op] = [join(folder, 'compiled'), join(folder, 'eager')];
  assert.match((await clipbench(['run', file, '--out', compiled])).stdout, /; engine: compiled/);
  assert.match((await clipbench(['run', file, '--out', op_by_op, '--engine', 'eager'])).stdout, /; engine: eager/);
  assert.deepEqual(resultHashes(compiled), resultHashes(op_by_op));
  const mixed = await clipbench(['run', file, '--out', compiled, '--engine', 'eager']);
  assert.equal(mixed.code, 2);
  assert.match(mixed.stderr, /holds results of another environment/);
  const verified = await clipbench(['verify', op_by_op]);
  assert.equal(verified.code, 0, verified.stdout);
});

test('every assignment waits for all reads: forty variables change places without a mistake', onNative, () => {
  const count = 40;
  const rotate: Step = (state) => ({
    state: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`v${i}`, state[`v${(i + 1) % count}`] ?? assert.fail('a variable')]),
    ),
    scalars: { first: (state.v0 ?? assert.fail('v0')).asScalar() },
  });
  const initial = Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, tf.scalar(i)]));
  const engine = compiledEngine('repro', never);
  const run = engine.train('rotate', rotate, initial, {});
  for (let t = 0; t < 200; t++) assert.equal(run.call([{ step: hostTensor([], [t]) }])[0]?.first, t % count);
  run.dispose();
  engine.dispose();
});

test('variables that begin as the same tensor go their own ways', onNative, () => {
  const same = tf.scalar(1);
  const step: Step = ({ a = same, b = same }) => ({
    state: { a: a.add(1), b: b.mul(3) },
    scalars: { sum: a.add(b).asScalar() },
  });
  const compiled = compileStep(step, { a: same, b: same }, { inputs: { step: tf.scalar(0) } });
  const rows = compiled.call([0, 1, 2].map((t) => ({ step: hostTensor([], [t]) })));
  assert.deepEqual(rows, [{ sum: 2 }, { sum: 5 }, { sum: 12 }]);
  compiled.dispose();
});

test('large state: exchanged, replaced by what is new, and kept beside, in single steps and loops', onNative, () => {
  // From 128 x 128 entries on, a variable lets go of its tensor when it has been read.
  const shape = [130, 130];
  const [p, q] = [tf.fill(shape, 1), tf.fill(shape, 2)];
  const names = ['swapped', 'other', 'fresh', 'last', 'same'];
  const step: Step = (state, { x = p }) => {
    const at = (name: string) => state[name] ?? p;
    const product = x.matMul(at('swapped'));
    return {
      state: {
        swapped: at('other'),
        other: at('swapped').sub(at('last')),
        fresh: x.mul(3),
        last: product,
        same: product,
      },
      scalars: { sum: product.mean().add(at('fresh').mean()).add(at('same').mean()).asScalar() },
    };
  };
  const state = { swapped: p, other: q, fresh: p, last: p.clone(), same: q };
  const batches = [0.1, 0.2, 0.3, 0.4].map((value) => ({ x: hostTensor(shape, Array(130 * 130).fill(value / 130)) }));
  let held: Tensors = state;
  const rows = batches.map(({ x }) => {
    const { state: next, scalars } = step(held, { x: tf.tensor(x.values, shape) });
    held = next;
    return { sum: scalars.sum?.dataSync()[0] };
  });
  for (const loop of [false, true]) {
    const compiled = compileStep(step, state, { inputs: { x: p }, loop });
    assert.deepEqual(compiled.call(batches), rows);
    const after = compiled.read();
    for (const name of names) assert.deepEqual(after[name], toHost(held)[name], `${name}, loop: ${loop}`);
    compiled.dispose();
  }
});

test('when a step fails its state is lost, and can be written anew', onNative, () => {
  const shape = [130, 130];
  // Of the indices only TensorFlow sees that one is too large.
  const step: Step = ({ w = tf.zeros(shape) }, { x = w }) => ({
    state: { w: w.mul(2) },
    scalars: { one: tf.sparseToDense(x.toInt(), tf.scalar(1), [4], 0).sum().asScalar() },
  });
  const compiled = compileStep(step, { w: tf.ones(shape) }, { inputs: { x: tf.scalar(0) } });
  const give = (index: number) => compiled.call([{ x: hostTensor([], [index]) }]);
  give(1);
  assert.throws(() => give(9));
  assert.throws(() => compiled.read(), /a step failed, and took the state with it; write it anew/);
  assert.throws(() => give(1), /write it anew/);
  compiled.write({ w: hostTensor(shape, Array(130 * 130).fill(1)) });
  give(1);
  assert.equal(compiled.read().w?.values[0], 2);
  compiled.dispose();
});

test('lazyWhere: nested, with what was there before, and with constants that are used outside too', onNative, () => {
  const step: Step = ({ w = tf.zeros([3]) }, { x = w }) => {
    const two = tf.scalar(2);
    const long = w.sum().greater(x);
    const [chosen = w] = lazyWhere(long, () => lazyWhere(w.max().greater(x.mul(two)), () => [w.div(two).add(x)], [w]), [
      w.mul(two).add(1),
    ]);
    // The same choice again is the same node.
    const [again = w] = lazyWhere(long, () => [w.neg()], [w]);
    const [twice = w] = lazyWhere(long, () => [w.neg()], [w]);
    return { state: { w: chosen.add(two) }, scalars: { sum: chosen.sum().add(again.sub(twice).sum()).asScalar() } };
  };
  const batches = [1, 50, 20, 3, 100, 2, 7, 1e3].map((value) => ({ x: hostTensor([], [value]) }));
  const expected = eager.train('', step, { w: tf.tensor([1, 2, 3]) }, {}).call(batches);
  assert.ok(new Set(expected.map(({ sum }) => sum)).size > 6, 'every way is taken');
  for (const options of [{ loop: false }, { loop: true }, { loop: true, fused: true }, { fused: true }]) {
    const compiled = compileStep(step, { w: tf.tensor([1, 2, 3]) }, { inputs: { x: tf.scalar(0) }, ...options });
    assert.deepEqual(compiled.call(batches), expected, JSON.stringify(options));
    compiled.dispose();
  }
});

test(
  'what does not fit is refused by name: values for another shape, and numbers that are not float32',
  onNative,
  () => {
    const step: Step = ({ w = tf.zeros([2]) }, { x = w }) => ({
      state: { w: w.add(x) },
      scalars: { sum: w.sum().asScalar() },
    });
    const { binding } = native();
    const compiled = compileStep(step, { w: tf.zeros([2]) }, { inputs: { x: tf.zeros([2]) }, loop: true });
    const before = binding.getNumOfTensors();
    const odd = [hostTensor([2], [1]), hostTensor([2], [1, 2, 3])].map((x) => ({ x }));
    assert.throws(() => compiled.call(odd), /"x" has 1 values; its shape \[2\] needs 2/);
    assert.equal(binding.getNumOfTensors(), before);
    compiled.dispose();
    const models = binding.getNumOfSavedModels();
    const whole = { w: tf.tensor1d([1, 2], 'int32') };
    assert.throws(() => compileStep(step, whole, { inputs: { x: tf.zeros([2]) } }), /held w is int32; .* float32/);
    assert.equal(binding.getNumOfSavedModels(), models);
  },
);

test('a step that can not be replayed is refused, naming why', onNative, () => {
  const held = { w: tf.ones([3]) };
  const x = tf.ones([3]);
  const outside = tf.tensor([1, 2, 3]);
  let calls = 0;
  const cases: [what: string, f: (w: tf.Tensor) => tf.Tensor, expected: RegExp][] = [
    [
      'reading values',
      (w) => w.add(w.mul(2).dataSync()[0] ?? 0),
      /reads the values of a tensor \(made by Mul\); use tf\.where/,
    ],
    ['reading an input', (w) => w.add(w.arraySync() === 0 ? 1 : 2), /reads the values of a tensor \(made by _Arg\)/],
    ['a tensor from outside', (w) => w.add(outside), /uses a tensor that was made outside of it; pass it/],
    [
      'a mask made on the host',
      (w) => w.mul(tf.dropout(tf.ones([40]), 0.5, undefined, 7).sum()),
      /of different numbers, which may be random/,
    ],
    ['a counter on the host', (w) => w.add(calls++), /two recordings of the step differ/],
    ['another shape', (w) => tf.concat([w, w]), /changes shape or type of "w": \[3\] to \[6\]/],
  ];
  for (const [what, f, expected] of cases) {
    const step: Recordable = ({ w = x }) => ({ held: { w: f(w) }, output: tf.scalar(0), labels: [] });
    assert.throws(() => record(step, held, { x }), expected, what);
  }
  assert.equal(tf.add(1, 2).dataSync()[0], 3, 'tfjs works as before');
});

test('a step that can not be compiled runs eagerly, with the reason', onNative, () => {
  const reasons: string[] = [];
  const engine = compiledEngine('repro', (why) => reasons.push(why));
  const reading: Step = ({ w = tf.scalar(0) }) => ({
    state: { w: w.add(w.dataSync()[0] ?? 0) },
    scalars: { w: w.asScalar() },
  });
  const values = [1, 2].map((start) => {
    const run = engine.train('reading', reading, { w: tf.scalar(start) }, {});
    const seen = [0, 1, 2].map((t) => run.call([{ step: hostTensor([], [t]) }])[0]?.w);
    run.dispose();
    return seen;
  });
  assert.deepEqual(values, [
    [1, 2, 4],
    [2, 4, 8],
  ]);
  assert.deepEqual(reasons, ['the step reads the values of a tensor (made by _Arg); use tf.where']);
  engine.dispose();
});

test(
  "compileStep runs anyone's step: state in and out, scalars, and a batch of another shape refused",
  onNative,
  () => {
    const { binding } = native();
    const before = { tensors: tf.memory().numTensors, models: binding.getNumOfSavedModels() };
    const step: Step = ({ w = tf.zeros([2, 1]) }, { x = w, y = w, rate = w }) => {
      const { value, grads } = tf.valueAndGrads((at: tf.Tensor) => x.matMul(at).sub(y).square().mean().asScalar())([w]);
      const [g = w] = grads;
      return { state: { w: w.sub(g.mul(rate)) }, scalars: { loss: value.asScalar(), norm: g.norm().asScalar() } };
    };
    const [state, example] = [
      { w: tf.zeros([2, 1]) },
      { x: tf.ones([4, 2]), y: tf.ones([4, 1]), rate: tf.scalar(0.1) },
    ];
    const compiled = compileStep(step, state, { inputs: example });
    const eagerly = eager.train('', step, { w: tf.zeros([2, 1]) }, {});
    const x = [1, 2, -1, 0.5, 3, 1, 0.25, -2];
    for (let t = 0; t < 10; t++) {
      const inputs = {
        x: hostTensor(
          [4, 2],
          x.map((value) => value + t),
        ),
        y: hostTensor([4, 1], [1, 2, 3, t]),
        rate: hostTensor([], [0.01]),
      };
      assert.deepEqual(compiled.call([inputs]), eagerly.call([inputs]));
    }
    const { w } = compiled.read();
    assert.ok(w !== undefined, 'the state');
    compiled.write({ w: hostTensor([2, 1], [0, 0]) });
    assert.deepEqual([...(compiled.read().w?.values ?? [])], [0, 0]);
    assert.throws(
      () =>
        compiled.call([
          {
            x: hostTensor([1, 2], [1, 2]),
            y: hostTensor([4, 1], [1, 2, 3, 4]),
            rate: hostTensor([], [1]),
          },
        ]),
      /"x" has shape \[1,2\]; the step was compiled for \[4,2\]/,
    );
    compiled.dispose();
    eagerly.dispose();
    tf.dispose([state, example]);
    assert.deepEqual({ tensors: tf.memory().numTensors, models: binding.getNumOfSavedModels() }, before);
  },
);
