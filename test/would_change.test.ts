import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../src/report/row.ts';
import { head } from './support/page.ts';
import { rendered, synthetic, type Wanted } from './support/synthetic.ts';

const wanted: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.1],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }],
  steps: 12,
  diverging: false,
  compare: { baseline: 'none', metric: 'val_accuracy', at: 'final' },
};

/** The head of a report in which norm is better than none by so much, seed by seed, at the last and at the best evaluation. */
async function headWith(final: number[], best: number[] = final, more: Wanted = {}): Promise<string> {
  const made = synthetic({ ...wanted, seeds: final.map((_, seed) => seed), ...more });
  const runs = made.runs.map((row): Row => {
    const by = (differences: number[]) =>
      String(0.5 + (row.strategy === 'norm' ? (differences[Number(row.seed)] ?? 0) : 0));
    return { ...row, final_val_metric: by(final), best_val_metric: by(best) };
  });
  return head(await rendered({ ...made, runs }));
}

const steady = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17];

test('a verdict that needs no single seed stays', async () => {
  assert.match(
    await headWith(steady),
    /What would change it One seed less: the verdict stays, whichever is left out\./,
  );
});

test('with the fewest seeds that can decide, one less decides nothing', async () => {
  assert.match(
    await headWith(steady.slice(0, 6)),
    /One seed less, and no verdict could have been reached, whatever the data/,
  );
});

test('a verdict that hangs on single seeds says on how many', async () => {
  // Signed ranks: 2 of 128 sign patterns are as extreme, p 4/128; without a positive seed 4/64, without the negative one 2/64.
  const text = await headWith([-0.01, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16]);
  assert.match(text, /norm 1 was better than none/);
  assert.match(
    text,
    /One seed less: norm 1 at row_mnist · rnn is no longer better without any one of 6 of the 7 seeds\./,
  );
});

test('a seed is left out of every comparison of the family, not of one alone', async () => {
  // Three comparisons under Holm take 7 seeds; of one alone with 6, p is 2/64, small enough beside two others with 7.
  const three = { strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1, 1, 10] }] };
  const text = await headWith(steady.slice(0, 7), undefined, three);
  assert.match(text, /3 comparisons under Holm: (.* was better than none.*){3}/);
  assert.match(text, /One seed less, and no verdict could have been reached, whatever the data/);
});

test('what the other evaluation would have said is said, and what is not separated may still differ by', async () => {
  const open = [-0.1, 0.12, -0.08, 0.13, 0.05, -0.02];
  assert.match(
    await headWith(steady),
    /Had the best evaluation been declared instead of the last step: the verdicts would be the same\./,
  );
  const text = await headWith(open, steady.slice(0, 6));
  assert.match(
    text,
    /Had the best evaluation .* last step: norm 1 at row_mnist · rnn would be better in place of not separated\./,
  );
  assert.match(
    text,
    /What is not separated may still differ: the interval that reaches furthest, of norm 1 at row_mnist · rnn, runs from −0\.1 to \+0\.13\./,
  );
  const best = await headWith(steady, open.concat(0, 0), {
    compare: { baseline: 'none', metric: 'val_accuracy', at: 'best' },
  });
  assert.match(
    best,
    /Had the last step been declared instead of the best evaluation: norm 1 .* would be better in place of/,
  );
});

test('without a verdict there is nothing to change', async () => {
  for (const text of [
    await headWith(steady.slice(0, 5)),
    await headWith(steady, steady, { manifest: { finished: undefined } }),
    await headWith(steady, steady, { compare: undefined }),
  ]) {
    assert.doesNotMatch(text, /What would change it/);
  }
});

test('the chart under the answer holds what was declared, and nothing where that is too much', async () => {
  assert.match(await headWith(steady), /Figure 1\. The differences behind the answer\./);
  const many = {
    strategies: [
      { name: 'none' },
      { name: 'norm', threshold: 'max_norm', values: Array.from({ length: 12 }, (_, i) => i + 1) },
    ],
  };
  assert.doesNotMatch(
    await headWith([0.1, -0.1, 0.2, -0.2, 0.3, -0.3], undefined, many),
    /The differences behind the answer/,
  );
});

test('a margin in steps is not held against a metric at another evaluation', async () => {
  const seeds = steady.map((_, seed) => seed);
  const compare = { baseline: 'none', metric: 'val_accuracy', at: 'steps_to_target' as const, margin: 5 };
  const made = synthetic({ ...wanted, seeds, compare });
  const runs = made.runs.map((row): Row => {
    const late = row.strategy === 'norm' ? 20 : 0;
    return { ...row, steps_to_target: String(50 + late + Number(row.seed)), final_val_metric: '0.5' };
  });
  const text = head(await rendered({ ...made, runs }));
  assert.match(text, /norm 1 was worse than none/);
  assert.match(
    text,
    /Had the last step been declared instead: norm 1 at row_mnist · rnn would be not separated in place of worse/,
  );
});
