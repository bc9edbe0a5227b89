import assert from 'node:assert/strict';
import { test } from 'node:test';
import { design } from '../src/report/design.ts';
import { familiesOf } from '../src/report/rates.ts';
import type { Row } from '../src/report/row.ts';
import { seen } from './support/page.ts';
import { rendered, type Synthetic, synthetic, type Wanted } from './support/synthetic.ts';

const wanted: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.01, 0.1, 1, 10],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1] }],
  seeds: [0, 1, 2, 3, 4, 5],
  steps: 12,
  diverging: false,
};

/** Final validation results by rate, the same for every seed. */
function resultsOf(results: Record<string, Record<string, number | 'diverged'>>, more: Wanted = {}): Synthetic {
  const made = synthetic({ ...wanted, ...more });
  const runs = made.runs.map((row): Row => {
    const result = results[row.strategy ?? '']?.[row.learning_rate ?? ''];
    if (result === 'diverged') return { ...row, status: 'diverged', diverged_at: '3', final_val_metric: '' };
    return { ...row, final_val_metric: String(result) };
  });
  return { ...made, runs };
}
const familyOf = (made: Synthetic) => familiesOf(design(made.runs, made.manifest));

test('the usable range runs to where the result falls a tenth short of the best, and divergence ends it at once', () => {
  const [family] = familyOf(
    resultsOf({
      none: { '0.01': 0.9, '0.1': 0.9, '1': 0.8, '10': 0.1 },
      norm: { '0.01': 0.5, '0.1': 1, '1': 1, '10': 'diverged' },
    }),
  );
  assert.equal(family?.level, 0.9);
  const [none, norm] = family?.configs ?? [];
  assert.deepEqual(none?.best, { rate: 0.01, value: 0.9 });
  assert.deepEqual(norm?.best, { rate: 0.1, value: 1 });
  assert.deepEqual(new Set(none?.decades.values()), new Set([1]));
  // From where the line from 0.5 to 1 reaches 0.9, to rate 1.
  const [decades = 0] = norm?.decades.values() ?? [];
  assert.ok(Math.abs(decades - 1.2) < 1e-12);
  assert.ok(Math.abs((norm?.wider?.estimate ?? 0) - 0.2) < 1e-12);
  assert.equal(none?.wider, undefined);
});

test('of a metric that should be low, usable is what is at most a tenth above the best', () => {
  const [family] = familyOf(
    resultsOf(
      {
        none: { '0.01': 1, '0.1': 1, '1': 4, '10': 'diverged' },
        norm: { '0.01': 2, '0.1': 1, '1': 1, '10': 1.05 },
      },
      { tasks: ['adding'] },
    ),
  );
  assert.equal(family?.level, 1.1);
  const [none, norm] = family?.configs ?? [];
  const first = (decades: Map<number, number> | undefined) => [...(decades?.values() ?? [])][0] ?? 0;
  assert.ok(Math.abs(first(none?.decades) - (1 + 0.1 / 3)) < 1e-9);
  assert.ok(Math.abs(first(norm?.decades) - 2.1) < 1e-9);
});

test('two rates are no range, and ranges over other rates are not compared', () => {
  assert.deepEqual(familyOf(synthetic({ ...wanted, rates: [0.1, 1] })), []);
  const made = synthetic(wanted);
  const runs = made.runs.filter(({ strategy, learning_rate }) => strategy === 'none' || learning_rate !== '10');
  const [family] = familyOf({ ...made, runs });
  assert.equal(family?.configs[1]?.wider, undefined);
  assert.equal(family?.configs[1]?.points.length, 3);
});

test('the report speaks of learning rates where there are three or more', async () => {
  const text = seen(await rendered(synthetic(wanted)));
  assert.match(text, /Does clipping only widen the range of learning rates that work/);
  assert.match(text, /Best result and usable range of learning rates/);
  assert.doesNotMatch(seen(await rendered(synthetic({ ...wanted, rates: [0.1, 1] }))), /Usable decades/);
});
