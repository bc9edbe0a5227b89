import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { thresholdOption } from '../src/parts.ts';
import { runText } from '../src/run/text.ts';
import { quantile } from '../src/stats/quantile.ts';
import * as strategies from '../src/strategies/index.ts';
import { train } from '../src/train/loop.ts';
import type { Cell, Clip, ThresholdRule, TransformPart } from '../src/types.ts';
import { UsageError } from '../src/types.ts';
import { addingCell, curve, digitsCell, strategy, trained } from './support/cells.ts';
import { assertNear, freed } from './support/host.ts';
import { transform } from './support/transforms.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const relative = (name: string, option: string, rule: ThresholdRule): Clip => {
  const { options } = strategy(name, { [option]: 1 });
  return { name, options: { ...options, [option]: rule } };
};
const globalNorm = (rule: ThresholdRule) => relative('global_norm', 'max_norm', rule);
const cosine = { name: 'cosine', options: { warmup: 0, floor: 0 } };

const free = digitsCell({ steps: 12, telemetry: 'full', strategy: [strategy('none')] });
const norms = curve(trained(free), 'grad_norm').map(Number);
const withRule = (rule: ThresholdRule, changes: Partial<Cell> = {}) =>
  trained({ ...free, strategy: [globalNorm(rule)], ...changes });

test('a relative threshold is a quantile, or a multiple of the median, of the norms of the unclipped run', () => {
  const expected = (share: number, steps: number) => Math.fround(quantile(norms.slice(0, steps), share));
  assert.equal(withRule({ quantile: 0.9, probe: 12 }).threshold, expected(0.9, 12));
  assert.equal(withRule({ quantile: 0, probe: 5 }).threshold, expected(0, 5));
  assert.equal(withRule({ multiple: 3, probe: 7 }).threshold, Math.fround(3 * quantile(norms.slice(0, 7), 0.5)));
});

test('a run with a relative threshold is the run with that number: the probe leaves nothing behind', () => {
  const found = withRule({ quantile: 0.3, probe: 9 });
  const { threshold = 0, ...rest } = found;
  assert.ok(threshold > 0);
  assert.deepEqual(rest, trained({ ...free, strategy: [strategy('global_norm', { max_norm: threshold })] }));
  assert.ok(found.clipped_steps > 0);
});

test('a probe may be longer than the run', () => {
  const longer = curve(trained({ ...free, steps: 30 }), 'grad_norm').map(Number);
  assert.equal(withRule({ quantile: 1, probe: 30 }).threshold, Math.max(...longer));
});

test('dropout and noise of the probe are those of the run', () => {
  const noisy = {
    ...free,
    gradient_noise: 0.1,
    model: { ...free.model, options: { ...free.model.options, dropout: 0.3 } },
  };
  const seen = curve(trained(noisy), 'grad_norm').map(Number);
  const found = trained({ ...noisy, strategy: [globalNorm({ quantile: 0.5, probe: 12 })] });
  assert.equal(found.threshold, Math.fround(quantile(seen, 0.5)));
  assert.equal(found.steps[0]?.scalars.loss, trained(noisy).steps[0]?.scalars.loss);
});

test('what comes after a gradient that is not finite is no measure', () => {
  // Grows until it overflows.
  const wild: Partial<Cell> = { learning_rate: 1e6, steps: 40 };
  const cell = addingCell({ ...wild, telemetry: 'full', strategy: [strategy('none')] });
  const run = trained(cell);
  assert.equal(run.status, 'diverged');
  const finite = curve(run, 'grad_norm').map(Number).filter(Number.isFinite);
  assert.ok(finite.length > 0 && finite.length < 40);
  const found = trained({ ...cell, strategy: [globalNorm({ quantile: 1, probe: 40 })] });
  assert.equal(found.threshold, Math.max(...finite));
});

test('without a finite gradient there is no threshold: diverged at once, for every strategy', () => {
  for (const clip of [
    globalNorm({ quantile: 0.5, probe: 5 }),
    relative('value', 'clip_value', { multiple: 1, probe: 5 }),
  ]) {
    const run = trained({ ...free, gradient_scale: 3e38, strategy: [clip] });
    assert.deepEqual([run.status, run.diverged_at, run.steps.length, run.threshold], ['diverged', 0, 1, undefined]);
  }
});

test('members of a chain find thresholds of their own', () => {
  const value = relative('value', 'clip_value', { quantile: 0.5, probe: 12 });
  const alone = trained({ ...free, strategy: [value] }).threshold;
  const both = trained({ ...free, strategy: [value, globalNorm({ multiple: 0.5, probe: 12 })] });
  assert.equal(both.steps[0]?.scalars['info.value.threshold'], alone);
  assertNear(both.steps[0]?.scalars['info.global_norm.threshold'], Math.fround(quantile(norms, 0.5) / 2), 0);
  assert.equal(both.threshold, undefined);
});

test('parameters that a strategy does not see are not measured', () => {
  const all = trained({ ...free, strategy: [globalNorm({ quantile: 0.5, probe: 12 })] });
  const some = trained({ ...free, strategy: [{ ...globalNorm({ quantile: 0.5, probe: 12 }), include: ['b*', 'c'] }] });
  assert.ok(Number(some.threshold) < Number(all.threshold));
});

test('a schedule moves a threshold from step to step', () => {
  const steps = 12;
  const run = withRule({ value: 0.5, schedule: cosine });
  assert.deepEqual(
    curve(run, 'info.threshold'),
    Array.from({ length: steps }, (_, t) => Math.fround(0.5 * ((1 + Math.cos((Math.PI * t) / steps)) / 2))),
  );
  const clipped = run.steps.map(({ scalars }) => Number(scalars.clipped_norm) / Number(scalars['info.threshold']));
  for (const ratio of clipped) assert.ok(ratio < 1 + 1e-6);
  const measured = withRule({ quantile: 0.5, probe: 12, schedule: cosine });
  assert.equal(curve(measured, 'info.threshold')[0], Math.fround(quantile(norms, 0.5)));
  assert.equal(measured.threshold, Math.fround(quantile(norms, 0.5)));
});

test('constants that follow from a threshold follow its schedule', () => {
  const value = relative('value', 'clip_value', { value: 0.01, schedule: cosine });
  const run = trained({ ...free, strategy: [value] });
  const bounds = curve(run, 'info.threshold').map(Number);
  // Below the lower bound nothing is left either: the norm is bounded by sqrt(n) times the bound.
  run.steps.forEach(({ scalars }, t) => {
    assert.ok(Number(scalars.clipped_norm) <= Math.sqrt(run.parameters) * (bounds[t] ?? 0) * (1 + 1e-6));
  });
});

test('compiled and eager find the same thresholds, and give the same bits', onNative, () => {
  const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  for (const clips of [
    [globalNorm({ quantile: 0.5, probe: 12, schedule: cosine })],
    [
      relative('value', 'clip_value', { quantile: 0.9, probe: 25 }),
      relative('agc', 'clipping', { multiple: 0.1, probe: 3 }),
    ],
  ]) {
    const cell = { ...free, strategy: clips };
    assert.deepEqual(
      train(cell, () => 0, engine),
      trained(cell),
    );
  }
  engine.dispose();
});

test('runs.csv shows what was found, and the rule among the options', () => {
  const cell = { ...free, strategy: [globalNorm({ quantile: 0.5, probe: 12 })] };
  const summary = trained(cell);
  const { run } = runText('0123456789abcdef', cell, summary);
  assert.ok(run.includes(`,global_norm,${summary.threshold},`), run);
  assert.ok(run.includes('""max_norm"":{""probe"":12,""quantile"":0.5}'), run);
});

/** Those of which a threshold can be relative. */
const measuring = Object.values<TransformPart>(strategies).filter(
  (part) => thresholdOption(part) !== undefined && transform(part, {}).statistic !== undefined,
);
/** They act on every gradient. */
const soft = ['soft_norm', 'soft_value'];

test('at the measure of a gradient a strategy begins to act', () => {
  assert.deepEqual(measuring.map(({ name }) => name).sort(), [
    'agc',
    'block_rms',
    'global_norm',
    'norm',
    'skip_large',
    'soft_norm',
    'soft_value',
    'u_clip',
    'value',
  ]);
  for (const part of measuring.filter(({ name }) => !soft.includes(name))) {
    freed(() => {
      const grads = { w: tf.tensor2d([3, -4, 0.5, 1, 2, -2], [3, 2]), b: tf.tensor1d([0.1, -7]) };
      const params = { w: tf.tensor2d([1, 1, 2, 0, 3, 1], [3, 2]), b: tf.tensor1d([0, 0.5]) };
      const option = thresholdOption(part) ?? '';
      const found =
        transform(part, { [option]: 1 })
          .statistic?.(grads, { params })
          .dataSync()[0] ?? Number.NaN;
      assert.ok(found > 0);
      const touched = (threshold: number) =>
        transform(part, { [option]: threshold })
          .update(grads, { params })
          .info?.clipped_fraction?.dataSync()[0];
      assert.equal(touched(found * 1.001), 0, part.name);
      assert.ok(Number(touched(found * 0.999)) > 0, part.name);
    });
  }
});

const text = (clip: string) => `question: q
steps: 2
seeds: 1
task: adding
model: rnn
optimizer: {name: sgd, learning_rate: 0.1}
strategy: ${clip}
`;
const refused = (clip: string) => {
  try {
    parseExperiment(text(clip), 'x.yaml');
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
  return assert.fail(`not refused: ${clip}`);
};

test('a list in a rule is an axis, and defaults are filled in', () => {
  const { cells } = parseExperiment(
    text('{name: global_norm, max_norm: [1, {quantile: [0.5, 0.9]}, {value: 2, schedule: [linear, cosine]}]}'),
    'x.yaml',
  );
  assert.deepEqual(
    [...cells.values()].map(({ strategy: [clip] }) => clip?.options.max_norm),
    [
      1,
      { quantile: 0.5, probe: 50 },
      { quantile: 0.9, probe: 50 },
      { value: 2, schedule: choiceOf('linear') },
      { value: 2, schedule: choiceOf('cosine') },
    ],
  );
});
const choiceOf = (name: string) => ({ name, options: { warmup: 0, floor: 0 } });

const mistakes: [string, RegExp][] = [
  ['{name: global_norm, max_norm: {}}', /^x\.yaml:7:41: max_norm of strategy "global_norm" takes a number, or one of/],
  ['{name: global_norm, max_norm: {value: 1, quantile: 1}}', /^x\.yaml:7:41: .* it says value and quantile/],
  ['{name: global_norm, max_norm: {value: 1}}', /^x\.yaml:7:41: .* value without schedule; write the number alone/],
  ['{name: global_norm, max_norm: {quantle: 1}}', /^x\.yaml:7:42: .*"quantle"; did you mean "quantile"\?/],
  ['{name: global_norm, max_norm: {quantile: 2}}', /^x\.yaml:7:52: .*quantile.* 2.*1/],
  ['{name: global_norm, max_norm: {quantile: 0.5, probe: 0}}', /^x\.yaml:7:64: .*probe.* 0/],
  ['{name: global_norm, max_norm: {value: -1, schedule: linear}}', /^x\.yaml:7:\d+: .*max_norm is -1/],
  ['{name: global_norm, max_norm: {value: 1, schedule: linea}}', /^x\.yaml:7:62: unknown schedule "linea"; did you/],
  ['{name: autoclip, percentile: {quantile: 0.5}}', /^x\.yaml:7:\d+: percentile of strategy "autoclip" isn't compared/],
];
for (const [clip, message] of mistakes) {
  test(`refuses ${clip}, with its place and a remedy`, () => assert.match(refused(clip), message));
}
