import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from '../src/manifest.ts';
import { declaredComparison } from '../src/report/comparison.ts';
import { design } from '../src/report/design.ts';
import type { Row } from '../src/report/row.ts';
import { contestsOf } from '../src/report/trials.ts';
import { assertReport, sections, seen } from './support/page.ts';
import { rendered, type Synthetic, synthetic, type Wanted } from './support/synthetic.ts';

const base: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.01, 0.1],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1, 1] }],
  steps: 12,
  diverging: false,
  compare: { baseline: 'none', metric: 'val_accuracy', at: 'final' },
};
const tune: Manifest['tune'] = { over: ['learning_rate', 'threshold'], seeds: [100, 101, 102], method: 'grid' };

/** Trials with these validation results by strategy, rate and threshold, for the tuning seeds; then what they choose. */
function tunedWith(results: Record<string, (number | 'diverged')[]>): Synthetic {
  const trials = synthetic({ ...base, seeds: [100, 101, 102] });
  const numbers = new Map<string, number>();
  const runs = trials.runs.map((row): Row => {
    const key = `${row.strategy} ${row.learning_rate} ${row.threshold}`.trim();
    const trial =
      numbers.get(key) ?? [...numbers.keys()].filter((other) => other.startsWith(`${row.strategy} `)).length;
    numbers.set(key, trial);
    const result = results[key]?.[Number(row.seed) - 100];
    const own = { ...row, phase: 'tune', trial: String(trial), final_test_metric: '', best_test_metric: '' };
    return result === 'diverged'
      ? { ...own, status: 'diverged', diverged_at: '3', final_val_metric: '' }
      : { ...own, final_val_metric: String(result) };
  });
  const confirmed = synthetic({ ...base, seeds: [0, 1, 2, 3, 4, 5] });
  // none at 0.01 and norm 1 at 0.1.
  const chosen = confirmed.runs.filter(
    (row) =>
      (row.strategy === 'none' && row.learning_rate === '0.01') ||
      (row.threshold === '1' && row.learning_rate === '0.1'),
  );
  const ids = new Set(chosen.map(({ cell_id }) => cell_id));
  const compared = (rows: Row[]) => rows.filter(({ cell_id }) => ids.has(cell_id));
  return {
    ...confirmed,
    manifest: { ...confirmed.manifest, tune },
    runs: [...runs, ...chosen],
    steps: compared(confirmed.steps),
    evals: compared(confirmed.evals),
    signals: compared(confirmed.signals),
  };
}

const made = tunedWith({
  'none 0.01': [0.5, 0.6, 0.7],
  'none 0.1': [0.9, 'diverged', 'diverged'],
  'norm 0.01 0.1': [0.4, 0.4, 0.4],
  'norm 0.01 1': [0.5, 0.5, 0.5],
  'norm 0.1 0.1': [0.7, 0.1, 0.1],
  'norm 0.1 1': [0.6, 0.6, 0.9],
});

test('contests are read from the trials: what each tried, how it did, and which it chose', () => {
  const contests = contestsOf(made.runs, design(made.runs, made.manifest), made.manifest);
  assert.deepEqual(
    contests.map(({ config, seeds, trials }) => [config.name, seeds, trials.map(({ value }) => value)]),
    [
      ['none', 3, [0.6, -Infinity]],
      ['norm tuned', 3, [0.4, 0.5, 0.1, 0.6]],
    ],
  );
  assert.deepEqual(
    contests.map(({ chosen }) => chosen),
    [
      { learning_rate: 0.01, threshold: undefined, value: 0.6, diverged: 0 },
      { learning_rate: 0.1, threshold: 1, value: 0.6, diverged: 0 },
    ],
  );
});

test('strategies with a learning rate of their own are compared with each other', () => {
  const compared = design(made.runs, made.manifest);
  assert.equal(compared.settings.length, 1);
  const declared = declaredComparison(compared, made.manifest);
  assert.deepEqual(
    declared?.comparisons.map(({ title, pairs, baseline }) => [title, pairs, baseline.name]),
    [['norm tuned', 6, 'none']],
  );
  // Without tuning these would be two settings, with nothing to compare.
  const { tune: _, ...plain } = made.manifest;
  assert.equal(declaredComparison(design(made.runs, plain), plain)?.comparisons.length, 0);
});

test('the page tells what was chosen by which trials, and what a smaller budget would have found', async () => {
  const page = await rendered(made);
  const [comparison = '', ...others] = sections;
  assertReport(page, [comparison, 'tuning', ...others]);
  const text = seen(page);
  assert.match(
    text,
    /The learning rate and threshold of each strategy were chosen by 4 trials on 3 seeds: every value that the matrix names/,
  );
  assert.match(text, /none 0\.01 – 0\.600 0\.\d+ 2 2 of 6/);
  assert.match(text, /norm tuned 0\.1 1 0\.600 0\.\d+ 4 0 of 12/);
  assert.match(text, /What a smaller tuning budget would have found/);
  assert.match(
    text,
    /18 runs of trials on other seeds, which never read the test split, chose the learning rate and threshold/,
  );
  assert.match(text, /Phase tune, not compared/);
});

test('where nothing was tuned the page does not speak of it', async () => {
  const page = await rendered(synthetic({ ...base, seeds: [0, 1] }));
  assert.doesNotMatch(page, /id="tuning"/);
});

const tuningOf = (page: string) => /<section id="tuning".*?<\/section>/s.exec(page)?.[0] ?? assert.fail('no section');

test('where every trial of a strategy came to nothing, the answer and the table say that the first was taken', async () => {
  const lost = tunedWith({
    'none 0.01': ['diverged', 'diverged', 0.7],
    'none 0.1': [0.9, 'diverged', 'diverged'],
    'norm 0.01 0.1': [0.4, 0.4, 0.4],
    'norm 0.01 1': [0.5, 0.5, 0.5],
    'norm 0.1 0.1': [0.7, 0.1, 0.1],
    'norm 0.1 1': [0.6, 0.6, 0.9],
  });
  const page = await rendered(lost);
  assert.match(
    seen(page),
    /No trial of none ended with a finite result on more than half of its seeds, so tuning had nothing to choose by, and the first one was run\./,
  );
  assert.match(tuningOf(page), /0\.01 \(the first\).*Where every trial came to nothing, the first was taken/s);
  assert.doesNotMatch(seen(await rendered(made)), /nothing to choose by|the first was taken/);
});

test('trials judged by a target that none reached are called that, not diverged', async () => {
  const compare = { baseline: 'none', metric: 'val_accuracy', at: 'steps_to_target' as const };
  const aimed = { ...made, manifest: { ...made.manifest, compare } };
  const runs = aimed.runs.map((row): Row => ({ ...row, steps_to_target: row.strategy === 'norm' ? '6' : '' }));
  const section = tuningOf(await rendered({ ...aimed, runs }));
  assert.match(section, /not reached/);
  assert.doesNotMatch(section, /<td[^>]*>diverged/);
});

test('who has nothing to tune is named', async () => {
  const thresholds = { ...made, manifest: { ...made.manifest, tune: { ...tune, over: ['threshold' as const] } } };
  const runs = thresholds.runs.filter(
    (row) => row.learning_rate === '0.1' || (row.phase !== 'tune' && row.strategy === 'none'),
  );
  const own = runs.map((row): Row => ({ ...row, learning_rate: '0.1' }));
  assert.match(
    seen(await rendered({ ...thresholds, runs: own })),
    /the same number for each\. none has nothing to tune\./,
  );
  assert.doesNotMatch(seen(await rendered(made)), /nothing to tune/);
});
