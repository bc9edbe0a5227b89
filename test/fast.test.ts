/** The profile `fast` (oneDNN on), for which this whole process is set up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { parts } from '../src/parts.ts';
import { runText } from '../src/run/text.ts';
import { train } from '../src/train/loop.ts';
import type { Summary } from '../src/train/summary.ts';
import type { Cell, Step } from '../src/types.ts';
import { addingCell, digitsCell, optimizer, strategy } from './support/cells.ts';
import { hostTensor } from './support/host.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend('fast');
const onNative = { skip: backend !== 'native' && `needs the native backend (${reason})` };

const newEngine = () => compiledEngine('fast', (why) => assert.fail(`fell back: ${why}`));
const fast = { numerics: 'fast', steps: 20, eval_every: 10, telemetry: 'full' } as const;
const clipped: Cell[] = ['none', 'global_norm'].flatMap((name) => {
  const own = [strategy(name, name === 'none' ? {} : { max_norm: 0.1 })];
  return [digitsCell({ ...fast, strategy: own }), addingCell({ ...fast, strategy: own })];
});
const cells: Cell[] = [
  ...clipped,
  ...parts.optimizers.map(({ name }) => digitsCell({ ...fast, optimizer: optimizer(name), learning_rate: 0.01 })),
];

/** Losses and norms as far as they go. */
const curves = ({ steps }: Summary) =>
  steps.map(({ scalars }) => [scalars.loss, scalars.grad_norm, scalars.param_norm]);

test('compiled and eager agree to 1e-5 over 20 steps', onNative, () => {
  for (const cell of cells) {
    const [compiled, byOps] = [newEngine(), eager].map((engine) => {
      const summary = train(cell, () => 0, engine);
      engine.dispose();
      return curves(summary).flat();
    });
    assert.equal(compiled?.length, 60);
    for (const [i, expected = Number.NaN] of (byOps ?? []).entries()) {
      const found = compiled?.[i] ?? Number.NaN;
      assert.ok(Math.abs(found - expected) <= 1e-5 * Math.abs(expected), `${found} is not ${expected}`);
    }
  }
});

/** Of every optimizer: test/deep/fast.test.ts. */
test('a new engine gives the same bits again', onNative, () => {
  for (const cell of clipped) {
    const [once, again] = [newEngine(), newEngine()].map((engine) => {
      const summary = train(cell, () => 0, engine);
      engine.dispose();
      return runText('0123456789abcdef', cell, summary);
    });
    assert.deepEqual(again, once);
  }
});

test('a step that XLA can not compile runs all the same', onNative, () => {
  const engine = newEngine();
  // How many there are is known with the values only.
  const step: Step = ({ w = tf.zeros([4]) }, { step = tf.scalar(0) }) => ({
    state: { w: tf.unique(w.add(step)).values.sum().add(w) },
    scalars: { w: w.sum().asScalar() },
  });
  const steps = [0, 1, 2].map((t) => ({ step: hostTensor([], [t]) }));
  const seen = [engine, eager].map((one) => {
    const run = one.train('unique', step, { w: tf.tensor([1, 2, 3, 4]) }, {});
    const rows = run.call(steps);
    run.dispose();
    return rows;
  });
  assert.deepEqual(seen[0], seen[1]);
  engine.dispose();
});

test('what is not finite is so in both engines, from the same step on', onNative, () => {
  const engine = newEngine();
  for (const gradient_scale of [1e30, 1e38]) {
    for (const name of ['none', 'global_norm']) {
      const own = [strategy(name, name === 'none' ? {} : { max_norm: 0.1, semantics: 'tf' })];
      const cell = digitsCell({ ...fast, gradient_scale, strategy: own });
      const [compiled, byOps] = [engine, eager].map((one) => train(cell, () => 0, one));
      assert.equal(compiled?.diverged_at, byOps?.diverged_at);
      const pattern = (summary?: Summary) => (summary ? curves(summary).flat().map(Number.isFinite) : []);
      assert.deepEqual(pattern(compiled), pattern(byOps));
    }
  }
  engine.dispose();
});
