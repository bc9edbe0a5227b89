import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { groupsOf, matches } from '../src/clipping/patterns.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { noiseOf } from '../src/noise.ts';
import { mapTensors } from '../src/tensors.ts';
import { assemble } from '../src/train/assemble.ts';
import { train } from '../src/train/loop.ts';
import { placed } from '../src/train/placed.ts';
import type { Cell, Clip, Placement, Transform } from '../src/types.ts';
import { addingCell, curve, digitsCell, optimizer, strategy, trained } from './support/cells.ts';
import { assertNear, bitsOf, freed, hostTensor, toHost, toTensors } from './support/host.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const globalNorm = (max_norm: number, placement: Placement = {}): Clip => ({
  ...strategy('global_norm', { max_norm }),
  ...placement,
});

test('a pattern stands for names', () => {
  const names = ['w0', 'b0', 'w10', 'block0.w', 'scale'];
  const chosen = (...patterns: string[]) => names.filter((name) => matches(name, patterns));
  assert.deepEqual(chosen('w*'), ['w0', 'w10']);
  assert.deepEqual(chosen('?0'), ['w0', 'b0']);
  assert.deepEqual(chosen('*.w', 'scale'), ['block0.w', 'scale']);
  assert.deepEqual(chosen('w'), []);
  // A dot is a dot.
  assert.deepEqual(chosen('block0?w', 'b.'), ['block0.w']);
  const tensors = Object.fromEntries(names.map((name) => [name, tf.scalar(0)]));
  assert.deepEqual(groupsOf(tensors, [['*0'], ['b*'], ['none']]), [['w0', 'b0', 'w10'], ['block0.w'], ['scale']]);
});

/** One step of plain SGD with everything measured. */
const step = (changes: Partial<Cell>) =>
  trained(digitsCell({ steps: 1, telemetry: 'full', ...changes })).steps[0]?.scalars;

test('a strategy on the update bounds the direction, whatever the learning rate', () => {
  for (const learning_rate of [0.01, 1]) {
    const scalars = step({
      learning_rate,
      optimizer: optimizer('adam'),
      strategy: [globalNorm(0.5, { place: 'update' })],
    });
    assertNear(scalars?.update_norm, 0.5 * learning_rate, 1e-6 * learning_rate);
    // The gradient that the optimizer was given is as it was; what was clipped came after.
    assert.equal(scalars?.clipped_norm, scalars?.grad_norm);
    const free = step({ learning_rate, optimizer: optimizer('adam') });
    assertNear(scalars?.clip_coef, (0.5 * learning_rate) / Number(free?.update_norm), 1e-6);
    assert.equal(scalars?.clipped_fraction, 1);
  }
});

test('with plain SGD it is the same before and after the optimizer', () => {
  const [before, after] = (['gradient', 'update'] as const).map((place) =>
    curve(trained(digitsCell({ strategy: [globalNorm(0.5, { place })] })), 'loss'),
  );
  before?.forEach((loss, t) => {
    assertNear(after?.[t], Number(loss), 1e-6);
  });
});

test('on every micro-batch: the mean of clipped gradients is shorter than the clipped mean', () => {
  const own = { accumulate: 4, batch_size: 8 };
  const [each, mean] = (['micro_batch', 'gradient'] as const).map((place) =>
    step({ ...own, strategy: [globalNorm(0.1, { place })] }),
  );
  assert.equal(each?.grad_norm, mean?.grad_norm);
  assertNear(mean?.clipped_norm, 0.1, 1e-7);
  assert.ok(Number(each?.clipped_norm) < 0.0999, String(each?.clipped_norm));
  assert.equal(each?.clipped_fraction, 1);
});

test('with one micro-batch it is the same as on the gradient, bit for bit', () => {
  const [each, mean] = (['micro_batch', 'gradient'] as const).map((place) =>
    trained(digitsCell({ strategy: [globalNorm(0.1, { place })] })),
  );
  assert.deepEqual(each, mean);
});

const clip = (transform: Transform, grads: ReturnType<typeof toHost>) =>
  freed(() => {
    const tensors = toTensors(grads);
    const zero = tf.scalar(0);
    const noise = noiseOf({ high: zero, low: zero }, zero);
    const context = {
      params: tensors,
      gradient: tensors,
      learning_rate: zero,
      loss: zero,
      step: zero,
      noise,
      normal: noise,
    };
    const options = { max_norm: tf.scalar(1) };
    const {
      grads: out,
      state,
      info = {},
      skip,
    } = transform.update(tensors, transform.init(tensors), { ...context, options });
    return {
      out: toHost(out),
      state: toHost(state),
      raised: info.raised?.dataSync()[0],
      skips: skip?.dataSync()[0],
    };
  });
const norm = () => assemble(digitsCell({ strategy: [globalNorm(1)] })).strategies.gradient ?? assert.fail();
const grads = { w0: hostTensor([2], [3, 4]), b0: hostTensor([1], [12]), w1: hostTensor([2], [0, 0.5]) };

test('parameters that are left out keep their gradient, and do not count in the norm', () => {
  const { out } = clip(placed(norm(), { include: ['w*'], exclude: ['w1'] }), grads);
  const wanted = { ...grads, w0: hostTensor([2], [3 / 5, 4 / 5]) };
  assert.deepEqual(bitsOf(out), bitsOf(wanted));
});

test('what is not finite ends the run, counts as 0, or skips the step', () => {
  const odd = { ...grads, w1: hostTensor([2], [Number.NaN, 1]) };
  assert.equal(clip(placed(norm(), { non_finite: 'raise' }), odd).raised, 1);
  assert.equal(clip(placed(norm(), { non_finite: 'raise' }), grads).raised, 0);
  assert.deepEqual(
    clip(placed(norm(), { non_finite: 'zero' }), odd).out,
    clip(norm(), { ...grads, w1: hostTensor([2], [0, 1]) }).out,
  );
  assert.equal(clip(placed(norm(), { non_finite: 'skip_step' }), odd).skips, 1);
  assert.equal(clip(placed(norm(), { non_finite: 'skip_step' }), grads).skips, 0);
});

test('a skipped step keeps the state of the strategy too', () => {
  const counting: Transform = {
    init: (params) => mapTensors(params, (w) => tf.zerosLike(w)),
    update: (given, state) => ({ grads: given, state: mapTensors(state, (s, name) => s.add(given[name] ?? 0)) }),
  };
  const odd = { ...grads, w1: hostTensor([2], [Number.POSITIVE_INFINITY, 1]) };
  const { state } = clip(placed(counting, { non_finite: 'skip_step' }), odd);
  assert.ok(Object.values(state).every(({ values }) => values.every((value) => value === 0)));
});

// Squares of such gradients overflow float32, and so do the weights after a while.
const wild = { learning_rate: 1e38, steps: 6, eval_every: 6 };

test('a run with non_finite: raise ends where its gradient stops being finite, and one that skips goes on', () => {
  const bare = trained(addingCell(wild));
  const raised = trained(addingCell({ ...wild, strategy: [{ ...strategy('none'), non_finite: 'raise' }] }));
  assert.equal(raised.status, 'diverged');
  assert.ok(Number(raised.diverged_at) <= Number(bare.diverged_at));
});

test('the compiled engine has the bits of the eager one at every place', onNative, () => {
  const engine = compiledEngine('repro', (why) => assert.fail(why));
  const chains: Clip[][] = [
    [globalNorm(0.1, { place: 'update' })],
    [
      globalNorm(0.1, { place: 'micro_batch' }),
      globalNorm(0.05),
      globalNorm(0.01, { place: 'update', exclude: ['b*'] }),
    ],
    [globalNorm(0.1, { non_finite: 'skip_step' }), { ...strategy('value', { clip_value: 0.01 }), include: ['w*'] }],
    [globalNorm(0.1, { non_finite: 'zero' })],
    [globalNorm(0.1, { non_finite: 'raise' })],
    [{ ...strategy('clip21', { max_norm: 0.05 }), include: ['w*'] }, globalNorm(0.01)],
  ];
  for (const chain of chains) {
    const cell = addingCell({ accumulate: 2, telemetry: 'full', strategy: chain, optimizer: optimizer('adam') });
    assert.deepEqual(
      train(cell, () => 0, engine),
      train(cell, () => 0, eager),
      JSON.stringify(chain),
    );
  }
  engine.dispose();
});
