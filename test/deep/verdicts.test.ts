/**
 * Simulated studies from rows to verdicts: the declared comparison as the report works it out, with ties, divergences and runs that failed,
 * where nothing is true or where it is known what is. Streams are seeded; what chance allows is in support/binomial.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stream } from '../../src/engine/random.ts';
import { type Declared, declaredComparison } from '../../src/report/comparison.ts';
import { design } from '../../src/report/design.ts';
import type { Row } from '../../src/report/row.ts';
import type { Stream } from '../../src/types.ts';
import { assertAtLeast, assertAtMost, mostOf } from '../support/binomial.ts';
import { STUDIES, times } from '../support/simulated.ts';
import { synthetic, type Wanted } from '../support/synthetic.ts';

const strategies = [
  { name: 'none' },
  { name: 'value', threshold: 'clip_value', values: [0.1, 1] },
  { name: 'global_norm', threshold: 'max_norm', values: [0.1, 1, 10] },
];
const wanted: Wanted = {
  models: [{ name: 'rnn', options: {} }],
  rates: [0.05, 0.5],
  strategies,
  seeds: times(10, (seed) => seed),
  steps: 10,
  diverging: false,
};

interface How {
  compare: NonNullable<Wanted['compare']>;
  /** What a run came to; undefined: it failed and left no row. */
  result: (own: Stream, luck: number, row: Row) => number | 'diverged' | undefined;
}

/** Studies with other results in the same matrix. Runs of one seed share their luck, whatever the strategy. */
function studies(name: string, { compare, result }: How): Declared[] {
  const { runs, manifest } = synthetic({ ...wanted, compare });
  const own = stream('verdicts', name);
  return times(STUDIES, () => {
    const luck = times(10, () => own.normal());
    const rows = runs.flatMap((row): Row[] => {
      const value = result(own, luck[Number(row.seed)] ?? 0, row);
      if (value === undefined) return [];
      if (value === 'diverged') return [{ ...row, status: 'diverged', diverged_at: '3', final_val_metric: '' }];
      return [{ ...row, final_val_metric: String(value), final_val_loss: String(value) }];
    });
    const declared = declaredComparison(design(rows, manifest), manifest);
    assert.ok(declared);
    return declared;
  });
}

const isVerdict = ({ verdict }: Declared['comparisons'][number]) => verdict === 'better' || verdict === 'worse';
const compare = { baseline: 'none', metric: 'val_accuracy', at: 'final' as const };
const family = [
  { learning_rate: 0.5, strategy: 'global_norm', threshold: 1 },
  { learning_rate: 0.5, strategy: 'global_norm', threshold: 10 },
  { learning_rate: 0.05, strategy: 'value', threshold: 0.1 },
];
const smooth: How['result'] = (own, luck) => 2 * luck + own.normal();
/** Scores that lean, rounded so that many are equal; every sixth run diverges, and of the low ones half fail. */
const rough: How['result'] = (own, luck) => {
  if (own.uniform() < 1 / 6) return 'diverged';
  const value = Math.round(4 * (luck - Math.log(1 - own.uniform()))) / 4;
  return value < -1 && own.uniform() < 0.5 ? undefined : value;
};

for (const [name, how] of Object.entries<How>({
  'smooth scores': { compare, result: smooth },
  'ties, divergences and failures': { compare, result: rough },
  'a declared family': { compare: { ...compare, family }, result: rough },
  'a loss': { compare: { ...compare, metric: 'val_loss' }, result: smooth },
})) {
  test(`where no strategy does anything, at most one study in twenty has a verdict: ${name}`, () => {
    const found = studies(name, how);
    assertAtMost(
      found.map(({ comparisons }) => comparisons.some(isVerdict)),
      0.05,
      name,
    );
    for (const { comparisons, family } of found) {
      assert.equal(comparisons.filter(({ holm }) => holm !== undefined).length, family);
      assert.ok(comparisons.every((one) => !isVerdict(one) || (one.declared && one.pairs >= 6)));
    }
    // By p alone it would be several in twenty, so the simulation can tell.
    const raw = found.map(({ comparisons }) => comparisons.some(({ p }) => p <= 0.05));
    assert.ok(raw.filter(Boolean).length > mostOf(STUDIES, 0.05));
  });
}

for (const metric of ['val_accuracy', 'val_loss']) {
  test(`where some strategies do better by ${metric}, they are called better, and at most one study in twenty says anything else`, () => {
    // At the high rate global_norm does, by far; a low loss is the better one.
    const sign = metric === 'val_loss' ? -1 : 1;
    const isGood = (row: Row) => row.learning_rate === '0.5' && row.strategy === 'global_norm';
    const told = studies(`${metric}, effects`, {
      compare: { ...compare, metric },
      result: (own, luck, row) => 2 * luck + own.normal() + (isGood(row) ? 6 * sign : 0),
    });
    assertAtMost(
      told.map(({ comparisons }) =>
        comparisons.some(
          (one) => isVerdict(one) && !(one.verdict === 'better' && one.member.runs.every((run) => isGood(run.row))),
        ),
      ),
      0.05,
      'false verdicts',
    );
    assertAtLeast(
      told.map(({ comparisons }) => comparisons.filter(({ verdict }) => verdict === 'better').length >= 3),
      0.9,
      'effects that are found',
    );
  });
}
