import assert from 'node:assert/strict';
import { test } from 'node:test';
import { design } from '../src/report/design.ts';
import { lifeCurve, restricted, untilDivergence, untilTarget } from '../src/report/lifetimes.ts';
import type { Row } from '../src/report/row.ts';
import { seen } from './support/page.ts';
import { rendered, type Synthetic, synthetic, type Wanted } from './support/synthetic.ts';

const wanted: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.1],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }],
  seeds: [0, 1, 2, 3],
  steps: 100,
  diverging: false,
};

/** Steps to the target by seed, 'diverged' at step 40, or '' for a run that never got there. */
function withTargets(norm: (number | 'diverged' | '')[]): Synthetic {
  const made = synthetic(wanted);
  const runs = made.runs.map((row): Row => {
    const result = row.strategy === 'norm' ? (norm[Number(row.seed)] ?? '') : '';
    const options = { ...JSON.parse(row.cell_options || '{}'), target: 0.9 };
    const own = { ...row, cell_options: JSON.stringify(options) };
    return result === 'diverged'
      ? { ...own, status: 'diverged', diverged_at: '40', steps_to_target: '' }
      : { ...own, steps_to_target: String(result) };
  });
  return { ...made, runs };
}

const made = withTargets([20, 60, 'diverged', '']);
const norm = () => design(made.runs, made.manifest).settings[0]?.configs[1] ?? assert.fail();

test('a run that diverged never reaches the target: it lasts to the end', () => {
  assert.deepEqual(untilTarget(norm()), [
    { time: 20, happened: true },
    { time: 60, happened: true },
    { time: 100, happened: false },
    { time: 100, happened: false },
  ]);
  assert.deepEqual(
    untilDivergence(norm()).map(({ time, happened }) => [time, happened]),
    [
      [100, false],
      [100, false],
      [40, true],
      [100, false],
    ],
  );
});

test('curves rise or fall in steps to the end of training', () => {
  const shares = (risen: boolean) =>
    lifeCurve(untilTarget(norm()), 100, risen).points.map(({ step, mid }) => [step, mid]);
  assert.deepEqual(shares(true), [
    [0, 0],
    [20, 0.25],
    [60, 0.5],
    [100, 0.5],
  ]);
  assert.deepEqual(shares(false), [
    [0, 1],
    [20, 0.75],
    [60, 0.5],
    [100, 0.5],
  ]);
  for (const { low, mid, high } of lifeCurve(untilTarget(norm()), 100, true).points)
    assert.ok(low <= mid && mid <= high);
});

test('the mean counts up to the end, and its interval holds it', () => {
  let at = 0;
  const uniform = () => {
    at = (at + 0.618) % 1;
    return at;
  };
  const { mean, interval } = restricted(untilTarget(norm()), 100, uniform);
  assert.equal(mean, (20 + 60 + 100 + 100) / 4);
  assert.ok(interval !== undefined && interval.low < mean && mean < interval.high);
  assert.equal(restricted([{ time: 5, happened: true }], 100, uniform).interval, undefined);
  const never = Array.from({ length: 8 }, () => ({ time: 40, happened: false }));
  assert.deepEqual(
    restricted(never, 40, uniform),
    { mean: 40, interval: undefined },
    'all alike: no interval of no width',
  );
});

test('the page tells how many got to the target and when, and how long runs lasted', async () => {
  const text = seen(await rendered(made));
  assert.match(text, /Steps to the target/);
  assert.match(text, /norm 1 2 of 4 15–85.% 70 \S+ to \S+/);
  assert.match(text, /none 0 of 4 0–49.% 100 –/);
  assert.match(text, /Share of runs that have not diverged/);
  const without = seen(await rendered(synthetic(wanted)));
  assert.doesNotMatch(without, /Steps to the target|Share of runs that have not diverged/);
});
