import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Compare } from '../src/manifest.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { declaredComparison } from '../src/report/comparison.ts';
import { design } from '../src/report/design.ts';
import type { Row } from '../src/report/row.ts';
import { UsageError } from '../src/types.ts';
import { head, seen } from './support/page.ts';
import { rendered, type Synthetic, synthetic } from './support/synthetic.ts';

const seeds = [0, 1, 2, 3, 4, 5, 6, 7];

/** norm beside none, with these values in a column by seed; empty where there is none. */
function withColumn(column: string, none: (number | '')[], norm: (number | '')[], compare: Compare): Synthetic {
  const made = synthetic({
    models: [{ name: 'rnn', options: { hidden: [64] } }],
    rates: [0.1],
    strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }],
    steps: 12,
    diverging: false,
    seeds,
    compare,
  });
  const runs = made.runs.map((row): Row => {
    const values = row.strategy === 'none' ? none : norm;
    return { ...row, [column]: String(values[Number(row.seed)] ?? '') };
  });
  return { ...made, runs };
}
const comparisonOf = ({ runs, manifest }: Synthetic) =>
  declaredComparison(design(runs, manifest), manifest)?.comparisons[0];

const steps: Compare = { baseline: 'none', metric: 'val_accuracy', at: 'steps_to_target' };

test('steps to the target: fewer are better, and a run that never got there is worse than any that did', async () => {
  const made = withColumn('steps_to_target', [90, 90, 90, 90, '', '', '', ''], [50, 60, 70, 80, 80, 80, 80, ''], steps);
  const found = comparisonOf(made);
  assert.deepEqual(found?.differences, [40, 30, 20, 10, Infinity, Infinity, Infinity, 0]);
  assert.equal(found?.verdict, 'better');
  const text = head(await rendered(made));
  assert.match(text, /none reached the target on 4 of 8 seeds, norm 1 on 7/);
  assert.match(text, /the typical difference has no size|any number of steps sooner/);
  assert.match(text, /On steps until validation accuracy reached its target, against none , 1 comparison under Holm:/);
});

test('a difference in steps says in which direction', async () => {
  const early = seeds.map((seed) => 40 + seed);
  const text = head(
    await rendered(
      withColumn(
        'steps_to_target',
        early,
        early.map((at, seed) => at + 10 + seed),
        steps,
      ),
    ),
  );
  assert.match(
    text,
    /norm 1 was worse than none at row_mnist · rnn: typical paired difference 13\.5 steps later, 96\.1 % interval 16 steps later to 11 steps later/,
  );
});

test('runs that all missed the target, or all diverged, are no evidence that two are equivalent', () => {
  const never = withColumn(
    'steps_to_target',
    seeds.map(() => ''),
    seeds.map(() => ''),
    { ...steps, margin: 10 },
  );
  assert.equal(comparisonOf(never)?.equivalence, 1);
  assert.equal(comparisonOf(never)?.verdict, 'not separated');
  const close = withColumn(
    'final_val_metric',
    seeds.map(() => 0.5),
    seeds.map(() => 0.5),
    { ...steps, at: 'final', margin: 0.1 },
  );
  const diverging = (lost: number) => ({
    ...close,
    runs: close.runs.map((row) => (Number(row.seed) < lost ? { ...row, status: 'diverged', diverged_at: '3' } : row)),
  });
  assert.equal(comparisonOf(diverging(0))?.verdict, 'equivalent');
  assert.equal(comparisonOf(diverging(8))?.verdict, 'not separated');
  // Seven alike and one of which nothing is known: at most as sure as where it lay beyond the margin.
  assert.ok((comparisonOf(diverging(1))?.equivalence ?? 0) > (comparisonOf(diverging(0))?.equivalence ?? 1));
});

test('the mean over training can be what is compared', async () => {
  const area: Compare = { ...steps, at: 'area' };
  const made = withColumn(
    'area',
    seeds.map(() => 0.5),
    seeds.map((seed) => 0.6 + seed / 100),
    area,
  );
  assert.equal(comparisonOf(made)?.verdict, 'better');
  assert.match(head(await rendered(made)), /On validation accuracy averaged over training, against none /);
});

test('within a declared margin runs can be shown to be equivalent, and without one they cannot', async () => {
  const final: Compare = { ...steps, at: 'final' };
  const near = [0.001, -0.002, 0.003, -0.001, 0.002, -0.003, 0.001, 0];
  const made = (compare: Compare) =>
    withColumn(
      'final_val_metric',
      seeds.map(() => 0.5),
      near.map((by) => 0.5 + by),
      compare,
    );
  assert.equal(comparisonOf(made(final))?.verdict, 'not separated');
  assert.equal(comparisonOf(made({ ...final, margin: 0.001 }))?.verdict, 'not separated');
  const declared = made({ ...final, margin: 0.02 });
  // All 8 differences lie within: 1 of 256 sign patterns is as extreme.
  assert.equal(comparisonOf(declared)?.equivalence, 1 / 256);
  assert.equal(comparisonOf(declared)?.verdict, 'equivalent');
  const page = await rendered(declared);
  assert.match(
    head(page),
    /norm 1 was equivalent to none at row_mnist · rnn, by the margin of 0\.02 declared beforehand: typical paired difference/,
  );
  assert.match(seen(page), /p, equivalent, Holm/);
  assert.doesNotMatch(seen(await rendered(made(final))), /equivalent/);
});

test('what differs, but by less than the margin, is said to', async () => {
  const made = withColumn(
    'final_val_metric',
    seeds.map(() => 0.5),
    seeds.map((seed) => 0.501 + seed / 10000),
    {
      ...steps,
      at: 'final',
      margin: 0.01,
    },
  );
  assert.equal(comparisonOf(made)?.verdict, 'better');
  assert.match(head(await rendered(made)), /norm 1 was better, though by less than the margin that matters, than none/);
});

const matrix = (compare: string, more = '') => `question: Which is faster?
steps: 4
seeds: 2
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [none, {name: norm, max_norm: 1}]
${more}compare: {baseline: none, ${compare}}
`;

test('steps to a target need a target, and the metric that it is of', () => {
  const refused = (text: string, message: RegExp) =>
    assert.throws(
      () => parseExperiment(text, 'x.yaml'),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  assert.equal(
    parseExperiment(matrix('metric: val_success_rate, at: steps_to_target', 'target: 0.9\n'), 'x.yaml').compare?.at,
    'steps_to_target',
  );
  refused(
    matrix('metric: val_success_rate, at: steps_to_target'),
    /^x\.yaml:8:\d+: at is steps_to_target, but task "adding" has no target/,
  );
  refused(
    matrix('metric: test_success_rate, at: area'),
    /metric is test_success_rate, but at: area is of the task's own metric on validation data/,
  );
  refused(matrix('metric: val_loss, at: area'), /metric is val_loss/);
  refused(matrix('metric: val_loss, margin: 0'), /margin is 0/);
  refused(
    matrix('metric: val_loss, family: [{strategy: norm, expect: equivalent}]'),
    /expect is equivalent, but no margin/,
  );
});
