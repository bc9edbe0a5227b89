import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spreadOf } from '../src/report/norm-bins.ts';
import { seen } from './support/page.ts';
import { rendered, synthetic } from './support/synthetic.ts';

const counted = (norms: number[]) => {
  const counts = new Map<number, number>();
  for (const norm of norms) {
    const bin = Math.floor(20 * Math.log10(norm));
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return counts;
};

test('quantiles from counts are those of the norms, to 6 %', () => {
  const norms = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(norms, norms, (a, b) => {
      const sorted = [...a, ...b].sort((x, y) => x - y);
      const { quantiles, steps } = spreadOf([counted(a), counted(b)]) ?? assert.fail();
      assert.equal(steps, sorted.length);
      for (const [i, share] of [0.05, 0.25, 0.5, 0.75, 0.95].entries()) {
        const exact = sorted[Math.ceil(share * sorted.length - 1e-9) - 1] ?? 0;
        assert.ok(
          Math.abs(Math.log(quantiles[i] ?? 0) - Math.log(exact)) < Math.log(1.0601),
          `${quantiles[i]} for ${exact}`,
        );
      }
    }),
  );
  assert.equal(spreadOf([]), undefined);
});

test('the page draws how norms spread, from the steps as they lie', async () => {
  const made = synthetic({
    steps: 20,
    strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }],
    diverging: false,
  });
  const steps = made.steps.map((row) => ({ ...row, grad_norm: '2', clipped_norm: '1' }));
  const page = await rendered({ ...made, steps });
  const [, words = ''] = /How gradient norms spread over the steps.*?<desc[^>]*>(.*?)<\/desc>/s.exec(page) ?? [];
  assert.match(words, /norm 1 median 2\.11 before, 1\.06 after/);
  const none = await rendered({
    ...made,
    steps: made.steps.map((row) => ({ ...row, grad_norm: '', clipped_norm: '' })),
  });
  assert.ok(!none.includes('How gradient norms spread'));
});

test('the cosine is drawn where a strategy turned the gradient, and said to be 1 where none did', async () => {
  const made = synthetic({ steps: 20, diverging: false });
  const withCosine = (of: (strategy: string) => string) => {
    const strategies = new Map(made.runs.map((row) => [row.cell_id, row.strategy ?? '']));
    return rendered({
      ...made,
      steps: made.steps.map((row) => ({ ...row, cosine: of(strategies.get(row.cell_id) ?? '') })),
    });
  };
  const turned = await withCosine((strategy) => (strategy === 'value' ? '0.7' : '1'));
  const [, words = ''] = /Cosine between the gradient.*?<desc[^>]*>(.*?)<\/desc>/s.exec(turned) ?? [];
  assert.match(words, /^value: 0\.01 0\.7 in the end; 0\.1 0\.7 in the end; 1 0\.7 in the end\.$/);
  assert.match(seen(await withCosine(() => '1')), /was 1 throughout: no strategy turned it/);
  assert.ok(!/Figure \d+\. Cosine|turned it/.test(seen(await withCosine(() => ''))), 'nothing is said of it');
});
