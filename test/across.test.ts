import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acrossOf, aggregatesOf, improvement, profileOf } from '../src/report/across.ts';
import { declaredComparison } from '../src/report/comparison.ts';
import { design } from '../src/report/design.ts';
import type { Row } from '../src/report/row.ts';
import type { Results } from '../src/report/story.ts';
import { seen } from './support/page.ts';
import { rendered, type Synthetic, synthetic, type Wanted } from './support/synthetic.ts';

const wanted: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.1, 1],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }],
  seeds: [0, 1],
  steps: 12,
  diverging: false,
};

/** Final validation results by strategy and rate, one for each seed. */
function withResults(results: Record<string, (number | 'diverged')[]>, more: Wanted = {}): Synthetic {
  const made = synthetic({ ...wanted, ...more });
  const runs = made.runs.map((row): Row => {
    const result = results[`${row.strategy} ${row.learning_rate}`]?.[Number(row.seed)];
    if (result === 'diverged') return { ...row, status: 'diverged', diverged_at: '3', final_val_metric: '' };
    return { ...row, final_val_metric: String(result) };
  });
  return { ...made, runs };
}
function resultsOf({ runs, manifest }: Synthetic): Results {
  const made = design(runs, manifest);
  const declared = declaredComparison(made, manifest);
  return { manifest, smoke: false, compares: true, rows: runs, design: made, declared, failures: [] };
}

const made = withResults({
  'none 0.1': [0.5, 0.6],
  'norm 0.1': [0.7, 1],
  'none 1': ['diverged', 0.2],
  'norm 1': [0.6, 0.4],
});

test('scores run from 0 for the worst run of a setting, or one that diverged, to 1 for the best', () => {
  const across = acrossOf(resultsOf(made)) ?? assert.fail();
  const rounded = across.contenders.map(({ name, scores }) => [
    name,
    scores.map((own) => own.map((x) => Number(x.toFixed(6)))),
  ]);
  assert.deepEqual(rounded, [
    [
      'none',
      [
        [0, 0.2],
        [0, 0],
      ],
    ],
    [
      'norm 1',
      [
        [0.4, 1],
        [1, 0.5],
      ],
    ],
  ]);
  assert.equal(across.reference?.name, 'none');
});

test('a loss is turned round: less is better', () => {
  const compare = { baseline: 'none', metric: 'val_loss', at: 'final' as const };
  const lossy = synthetic({ ...wanted, compare });
  const runs = lossy.runs.map((row): Row => ({ ...row, final_val_loss: row.strategy === 'none' ? '2' : '1' }));
  const { contenders } = acrossOf(resultsOf({ ...lossy, runs })) ?? assert.fail();
  assert.deepEqual(
    contenders.map(({ scores }) => scores.flat()),
    [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ],
  );
});

test('aggregates, profiles and chances follow from the scores', () => {
  const across = acrossOf(resultsOf(made)) ?? assert.fail();
  const [first, second] = aggregatesOf(across);
  assert.equal(first?.contender.name, 'norm 1');
  // The middle two of 0.4, 0.5, 1, 1.
  assert.ok(Math.abs((first?.iqm ?? 0) - 0.75) < 1e-12);
  assert.ok(Math.abs((first?.gap ?? 0) - (1 - 2.9 / 4)) < 1e-12);
  assert.deepEqual(
    [first?.order, second?.order],
    [
      { rank: 1, first: 1, low: 1, high: 1 },
      { rank: 2, first: 0, low: 2, high: 2 },
    ],
  );
  assert.ok((first?.interval.low ?? 1) <= 0.75 && 0.75 <= (first?.interval.high ?? 0));
  const [none, norm] = across.contenders;
  assert.ok(none && norm);
  // A run of norm is better than any of none on either setting.
  assert.equal(improvement(norm, none).probability, 1);
  assert.equal(improvement(none, norm).probability, 0);
  const shares = profileOf(norm).filter(({ tau }) => [0, 0.4, 0.52, 1].includes(tau));
  assert.deepEqual(
    shares.map(({ share }) => share),
    [1, 0.75, 0.5, 0],
  );
  assert.deepEqual(aggregatesOf(across), aggregatesOf(across), 'the same numbers again');
});

test('one that diverged is behind the worst of those that did not, though its score is no lower', () => {
  const [none, norm] =
    acrossOf(
      resultsOf(
        withResults({
          'none 0.1': ['diverged', 'diverged'],
          'norm 0.1': [0.2, 0.2],
          'none 1': ['diverged', 'diverged'],
          'norm 1': [0.3, 0.4],
        }),
      ),
    )?.contenders ?? [];
  assert.ok(none && norm);
  assert.deepEqual(
    norm.scores.map((own) => own[0]),
    [1, 0],
  );
  assert.equal(improvement(norm, none).probability, 1);
});

test('ranks are by the seeds that all have, paired by their numbers; without a shared one there is none', async () => {
  // norm lost its run of seed 0 at rate 0.1, and is worse on seed 1.
  const results = { 'none 0.1': [0.1, 0.9], 'norm 0.1': [0.5, 0.8], 'none 1': [0.5, 0.6], 'norm 1': [0.4, 0.4] };
  const given = withResults(results);
  const without = (lost: (row: Row) => boolean) => ({ ...given, runs: given.runs.filter((row) => !lost(row)) });
  const at = (row: Row, strategy: string) => row.strategy === strategy && row.learning_rate === '0.1';
  const some = without((row) => at(row, 'norm') && row.seed === '0');
  const [first, second] = aggregatesOf(acrossOf(resultsOf(some)) ?? assert.fail());
  assert.deepEqual([first?.contender.name, first?.order], ['none', { rank: 1, first: 1, low: 1, high: 1 }]);
  assert.deepEqual([second?.contender.name, second?.order], ['norm 1', { rank: 2, first: 0, low: 2, high: 2 }]);
  const none = without((row) => (at(row, 'norm') && row.seed === '0') || (at(row, 'none') && row.seed === '1'));
  const apart = aggregatesOf(acrossOf(resultsOf(none)) ?? assert.fail());
  assert.deepEqual(
    apart.map(({ order }) => order),
    [undefined, undefined],
  );
});

test('nothing is added up over one setting, or for one configuration', () => {
  assert.equal(
    acrossOf(resultsOf(withResults({ 'none 0.1': [0.5, 0.6], 'norm 0.1': [0.7, 1] }, { rates: [0.1] }))),
    undefined,
  );
  assert.equal(
    acrossOf(
      resultsOf(withResults({ 'none 0.1': [0.5, 0.6], 'none 1': [0.7, 1] }, { strategies: [{ name: 'none' }] })),
    ),
    undefined,
  );
});

test('the page tells it, and that such scores mean nothing beside another report', async () => {
  const text = seen(await rendered(made));
  assert.match(text, /Across settings/);
  assert.match(text, /norm 1 0\.75 0\.\d+ to [01]\.\d+ 0\.7[23] 0\.2[78] 1 100.%/);
  assert.match(text, /no use beside those of another report/);
  assert.match(text, /Chance that a run of one does better than a run of the other/);
});
