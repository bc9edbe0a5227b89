/** `clipbench apply` by the catalogue's names: what their parameters mean beyond one option each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySteps } from '../src/apply/steps.ts';
import { eager } from '../src/engine/eager.ts';
import { thresholdOption, transforms } from '../src/transforms.ts';
import { given } from './support/golden_apply.ts';

const vector = (...d: (number | string)[]) => ({ s: [d.length], d });
const all = (input: unknown) => applySteps(given(input), eager).steps;
const gradsOf = (strategy: unknown, ...d: (number | string)[]) =>
  all({ strategy, steps: [{ grads: [vector(...d)] }] })[0]?.grads;

test('S01: one bound alone leaves the other side open', () => {
  assert.deepEqual(gradsOf({ name: 'S01', max: 0.5 }, 3, -40, 0.1), [vector(0.5, -40, 0.1)]);
  assert.deepEqual(gradsOf({ name: 'S01', min: -0.5 }, 3, -40, 0.1), [vector(3, -0.5, 0.1)]);
  assert.deepEqual(gradsOf({ name: 'S01', min: -0.5, max: 2 }, 3, -40, 0.1), [vector(2, -0.5, 0.1)]);
});

test('S03: Megatron and DeepSpeed clip as PyTorch does; fairseq takes 0 for off; DeepSpeed leaves out what overflowed', () => {
  const torch = gradsOf({ name: 'S03', semantics: 'torch', maxNorm: 1 }, 3, 4);
  for (const semantics of ['fairseq', 'megatron', 'deepspeed']) {
    assert.deepEqual(gradsOf({ name: 'S03', semantics, maxNorm: 1 }, 3, 4), torch, semantics);
  }
  assert.deepEqual(gradsOf({ name: 'S03', semantics: 'fairseq', maxNorm: 0 }, 3, 4), [vector(3, 4)]);
  assert.deepEqual(gradsOf({ name: 'S03', semantics: 'torch', maxNorm: 0 }, 3, 4), [vector(0, 0)]);
  const [step] = all({
    strategy: { name: 'S03', semantics: 'deepspeed', maxNorm: 1 },
    steps: [{ grads: [vector(3, 'Infinity')] }],
  });
  assert.equal(step?.info.skipped, true);
});

test('S08: clips at 1 during the warm-up, as ZClip does, unless told otherwise', () => {
  assert.deepEqual(gradsOf({ name: 'S08' }, 30, 40), gradsOf({ name: 'zclip', max_norm: 1 }, 30, 40));
  for (const maxGradNorm of [null, 'Infinity']) {
    assert.deepEqual(gradsOf({ name: 'S08', maxGradNorm }, 30, 40), [vector(30, 40)]);
  }
  assert.notDeepEqual(gradsOf({ name: 'S08' }, 30, 40), [vector(30, 40)]);
});

test('S11: a limit on the squared norm leaves out the step that reaches it, and NaN', () => {
  const skipped = (...d: (number | string)[]) =>
    all({ strategy: { name: 'S11', maxSquaredNorm: 25 }, steps: [{ grads: [vector(...d)] }] })[0]?.info.skipped;
  assert.deepEqual([skipped(3, 3.9), skipped(3, 4), skipped('NaN', 1)], [false, true, true]);
});

test('S26: L2 goes through the momentum, decoupled decay beside it', () => {
  const weightsOf = (order: string) =>
    all({
      strategy: { name: 'S26', lr: 0.5, momentum: 0.5, weightDecay: 0.25, maxNorm: 1, order },
      weights: [vector(8)],
      steps: [{ grads: [vector(4)] }, { grads: [vector(0.5)] }],
    }).map(({ weights }) => (Array.isArray(weights) ? weights[0]?.d[0] : undefined));
  // 1 + 2 -> 6.5; 0.5 + 1.625 + 3/2 -> 4.6875
  assert.deepEqual(weightsOf('clip>l2>momentum'), [6.5, 4.6875]);
  // 1, and 0.125 of 8 -> 6.5; 0.5 + 1/2, and 0.125 of 6.5
  assert.deepEqual(weightsOf('clip>decoupledDecay>momentum'), [6.5, 5.1875]);
});

test('S26: clipping each micro-batch takes workers, and returns the mean of what is left', () => {
  const workers = [vector(3, 4), vector(0.25, 0)].map((tensor) => [tensor]);
  const ofEach = (extra: object) =>
    all({ strategy: { name: 'S26', maxNorm: 1, order: 'clip>mean', ...extra }, steps: [{ workers }] })[0]?.grads;
  assert.deepEqual(ofEach({}), [vector(0.425, 0.4)]);
  assert.deepEqual(ofEach({ microBatches: 2 }), [vector(0.425, 0.4)]);
  assert.throws(() => ofEach({ microBatches: 4 }), {
    message: 'steps[0] has 2 gradients and microBatches is 4; give as many',
  });
});

test('S20: as many examples as the lot is said to have', () => {
  const strategy = { name: 'S20', l2NormClip: 1, noiseMultiplier: 0, lotSize: 3 };
  const perExample = [{ s: [2, 1], d: [1, 2] }];
  assert.throws(() => all({ strategy, steps: [{ perExample }] }), {
    message: 'steps[0] has 2 gradients and lotSize is 3; give as many',
  });
});

const bounds = ['agc', 'block_rms', 'delta_norm', 'global_norm', 'norm', 'soft_norm', 'soft_value', 'u_clip', 'value'];
for (const name of bounds) {
  test(`${name}: a threshold of null or Infinity is off`, () => {
    const part = transforms.strategies.find((one) => one.name === name) ?? assert.fail(name);
    for (const threshold of [null, 'Infinity']) {
      const strategy = { name, [thresholdOption(part) ?? '']: threshold };
      const [step] = all({ strategy, weights: [vector(1, 2, 3)], steps: [{ grads: [vector(3, -4, 100)] }] });
      assert.deepEqual(step?.grads, [vector(3, -4, 100)]);
      assert.equal(step?.info.threshold, 'Infinity');
    }
  });
}

test('a threshold that has an end refuses Infinity, in the words it was given', () => {
  assert.throws(() => gradsOf({ name: 'autoclip', percentile: 'Infinity' }, 1), {
    message: 'strategy "autoclip": percentile is "Infinity"; Too big: expected number to be <=100',
  });
});

/** erf from tables: 0.8427008 at 1, 0.5204999 at 0.5, 0.1124629 at 0.1, 0.9953223 at 2. */
test('soft_value erf has the values of tables', () => {
  const half = Math.sqrt(Math.PI) / 2;
  const points = [1, 0.5, 0.1, 2, -1].map((x) => (3 * x) / half);
  const grads = gradsOf({ name: 'soft_value', clip_value: 3, fn: 'erf' }, ...points);
  const wanted = [0.8427008, 0.5204999, 0.1124629, 0.9953223, -0.8427008].map((y) => 3 * y);
  const got = Array.isArray(grads) ? (grads[0]?.d ?? []) : [];
  wanted.forEach((y, i) => {
    assert.ok(Math.abs(Number(got[i]) - y) < 1e-6, `${points[i]}: ${got[i]}, in tables ${y}`);
  });
});
