/** Long use of the compiled engine leaves nothing behind. SOAK_STEPS makes it longer. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../../src/engine/backend.ts';
import { compileStep } from '../../src/engine/compile-step.ts';
import { native } from '../../src/engine/compiled/binding.ts';
import { shortened } from '../../src/norms.ts';
import type { Step } from '../../src/types.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `needs the native backend (${reason})` };

const megabytes = () => process.memoryUsage.rss() / 2 ** 20;
const scalar = (value: number) => ({ shape: [], values: Float32Array.of(value) });

/** A small regression with clipping. */
const step: Step = ({ w = tf.zeros([8, 1]) }, { x = w, rate = w }) => {
  const { value, grads } = tf.valueAndGrads((at: tf.Tensor) => x.matMul(at).sub(1).square().mean().asScalar())([w]);
  const { groups, norms } = shortened([grads], tf.scalar(0.5));
  const [clipped = w] = groups.flat();
  return { state: { w: w.sub(clipped.mul(rate)) }, scalars: { loss: value.asScalar(), norm: norms.asScalar() } };
};
const batch = () => ({
  x: { shape: [4, 8], values: Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)) },
  rate: scalar(0.01),
});
const compiled = (loop: boolean) => {
  const examples = { x: tf.zeros([4, 8]), rate: tf.scalar(0) };
  const state = { w: tf.zeros([8, 1]) };
  const made = compileStep(step, state, { inputs: examples, loop });
  tf.dispose([examples, state]);
  return made;
};

test('memory stays flat over many steps, one by one and in loops', onNative, (context) => {
  const count = Number(process.env.SOAK_STEPS ?? 40_000);
  for (const loop of [false, true]) {
    const one = compiled(loop);
    const steps = Array.from({ length: loop ? 20 : 1 }, batch);
    const run = (calls: number) => {
      for (let i = 0; i < calls; i++) one.call(steps);
    };
    run(count / steps.length / 5);
    const before = megabytes();
    run(count / steps.length);
    const grown = megabytes() - before;
    context.diagnostic(`${loop ? 'loops' : 'single steps'}: ${grown.toFixed(1)} MB more after ${count} steps`);
    assert.ok(grown < 10, `${grown} MB more`);
    one.dispose();
  }
});

test('compiling and disposing again and again leaves no graph, handle, file or memory behind', onNative, (context) => {
  const { binding } = native();
  const left = () => [binding.getNumOfSavedModels(), binding.getNumOfTensors(), tf.memory().numTensors];
  for (let i = 0; i < 10; i++) compiled(false).dispose();
  const [before, memory] = [left(), megabytes()];
  for (let i = 0; i < 100; i++) {
    const one = compiled(i % 2 === 0);
    one.call([batch()]);
    one.dispose();
  }
  const grown = megabytes() - memory;
  context.diagnostic(`${grown.toFixed(1)} MB more after 100 rounds`);
  assert.deepEqual(left(), before);
  assert.ok(grown < 40, `${grown} MB more`);
  const files = readdirSync(tmpdir()).filter((name) => name.startsWith(`clipbench-step-${process.pid}-`));
  assert.deepEqual(files, []);
});

test('thirty compiled steps at once keep to their own state', onNative, () => {
  const all = Array.from({ length: 30 }, (_, i) => compiled(i % 2 === 0));
  for (const [i, one] of all.entries()) one.call(Array.from({ length: i + 1 }, batch));
  const alone = compiled(false);
  for (const one of all) {
    alone.call([batch()]);
    assert.deepEqual(one.read(), alone.read());
  }
  for (const one of [...all, alone]) one.dispose();
});
