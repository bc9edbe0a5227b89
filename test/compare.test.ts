import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Change, changeBetween, type ResultSet } from '../src/report/change.ts';
import { changeText } from '../src/report/change-text.ts';
import type { Row } from '../src/report/row.ts';
import { clipbench, temporaryFolder } from './support/clipbench.ts';
import { type Synthetic, synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

const wanted: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.05],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1, 1] }],
  seeds: [0, 1, 2, 3, 4, 5, 6, 7],
  steps: 30,
};
const before = synthetic(wanted);

/** The same results, with other rows; and by other code, else they could not differ. */
function changed(change: (row: Row, index: number) => Row | undefined, failures: Row[] = []): Synthetic {
  const code = { ...before.manifest.code, source: 'feedfacefeedface' };
  return {
    ...before,
    manifest: { ...before.manifest, code, computed_by: { feedfacefeedface: before.runs.length } },
    runs: before.runs.flatMap((row, i) => [change(row, i)].filter((own) => own !== undefined)),
    failures,
  };
}
const lower = (row: Row, by: number): Row => ({ ...row, final_val_metric: String(Number(row.final_val_metric) - by) });
const isNorm = (row: Row, threshold: string) => row.strategy === 'norm' && row.threshold === threshold;

const verdicts = ({ comparisons }: Change) => comparisons.map(({ title, verdict }) => [title, verdict]);

test('the same results have nothing to compare, and no regression', () => {
  const change = changeBetween(before, before);
  assert.deepEqual(
    { same: change.same, shared: change.shared, comparisons: change.comparisons, regressions: change.regressions },
    { same: 24, shared: 24, comparisons: [], regressions: [] },
  );
  assert.match(changeText('a', 'b', change), /24 runs in both, 24 of them with the same bytes.*\n\nNo regression\.\n$/);
});

test('a configuration that is worse with every seed is a regression, one that is better is none', () => {
  const after = changed((row, i) =>
    isNorm(row, '0.1') ? lower(row, 0.01 + i / 1e4) : isNorm(row, '1') ? lower(row, -0.02 - i / 1e4) : row,
  );
  const change = changeBetween(before, after);
  assert.deepEqual(verdicts(change), [
    ['norm 0.1 at row_mnist · rnn', 'worse'],
    ['norm 1 at row_mnist · rnn', 'better'],
  ]);
  assert.deepEqual(change.regressions, ['norm 0.1 at row_mnist · rnn became worse']);
  // Eight seeds, two comparisons: 2 / 2^8 * 2.
  assert.deepEqual(
    change.comparisons.map(({ holm }) => holm),
    [1 / 64, 1 / 64],
  );
  assert.deepEqual(
    change.code.map(({ what }) => what),
    ['source'],
  );
});

test('seeds that go either way are no regression', () => {
  const after = changed((row, i) => (isNorm(row, '1') ? lower(row, (i % 2 === 0 ? 1 : -1) * (0.01 + i / 1e4)) : row));
  const change = changeBetween(before, after);
  assert.deepEqual(verdicts(change), [['norm 1 at row_mnist · rnn', 'not separated']]);
  assert.deepEqual(change.regressions, []);
});

test('a run that fails now is a regression; one that diverges now counts as the worst there is', () => {
  const [first = {}, second = {}] = before.runs;
  const diverged = { status: 'diverged', diverged_at: '3', final_val_metric: '', params_hash: '' };
  const failure = { cell_id: first.cell_id ?? '', status: 'failed', attempts: '2', error: 'x', log: 'y' };
  const after = changed(
    (row) => (row === first ? undefined : row === second ? { ...row, ...diverged } : row),
    [failure],
  );
  const change = changeBetween(before, after);
  assert.deepEqual(
    change.lost.map(({ id, how }) => [id, how]),
    [
      [first.cell_id, 'failed'],
      [second.cell_id, 'diverged'],
    ],
  );
  assert.deepEqual(change.regressions, [`run ${first.cell_id} (row_mnist · rnn · none · seed 0) failed`]);
  assert.equal(change.comparisons[0]?.differences[0], -Infinity);
});

test('other bytes from the same code in the same environment are a regression by themselves', () => {
  const after: ResultSet = {
    ...before,
    runs: before.runs.map((row, i) => (i === 3 ? { ...row, params_hash: 'x' } : row)),
  };
  assert.deepEqual(changeBetween(before, after).regressions, [
    '1 runs have other bytes though environment and code are the same',
  ]);
  const elsewhere = { ...after, manifest: { ...before.manifest, fingerprint_id: 'elsewhere' } };
  assert.deepEqual(changeBetween(before, elsewhere).regressions, []);
});

test('cells of one side alone are counted and not compared', () => {
  const fewer = synthetic({ ...wanted, seeds: [0, 1, 2] });
  const change = changeBetween(fewer, before);
  assert.deepEqual([change.shared, change.onlyA.length, change.onlyB.length], [9, 0, 15]);
  const apart = changeBetween(before, synthetic({ ...wanted, rates: [0.07] }));
  assert.deepEqual(apart.regressions, ['no cell has a result in both']);
});

test('clipbench compare ends with 1 for a regression and says in JSON what it says in Markdown', async (context) => {
  const folder = temporaryFolder(context);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await writeSynthetic(a, before);
  await writeSynthetic(
    b,
    changed((row, i) => (isNorm(row, '0.1') ? lower(row, 0.01 + i / 1e4) : row)),
  );
  const text = await clipbench(['compare', a, b]);
  assert.equal(text.code, 1);
  assert.match(
    text.stdout,
    /\| norm 0\.1 at row_mnist · rnn \| 8 of 8 \| −0\.0\d+ \| .* \| 0 -> 0 \| 0\.0078 \| worse \|/,
  );
  const json = await clipbench(['compare', a, b, '--format', 'json']);
  assert.equal(json.code, 1);
  assert.deepEqual(JSON.parse(json.stdout).regressions, ['norm 0.1 at row_mnist · rnn became worse']);
  assert.equal((await clipbench(['compare', a, a])).code, 0);
  assert.equal((await clipbench(['compare', a, join(folder, 'c')])).code, 2);
});
