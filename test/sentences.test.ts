/** Every sentence of the short answer and of what would change it, the overview and the table of verdicts, against what the CSV files alone say. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { renderReport } from '../src/report/index.ts';
import type { Row } from '../src/report/row.ts';
import { Finding } from '../src/types.ts';
import { clipbench, experimentFile, temporaryFolder } from './support/clipbench.ts';
import type { Called } from './support/compared.ts';
import { said, seen } from './support/page.ts';
import { type Retold, retold } from './support/retold.ts';
import { synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

const folder = temporaryFolder({ after });
let places = 0;
const place = (): string => join(folder, String(places++));

const name = ({ strategy, threshold }: Record<string, string>) => [strategy, threshold].filter(Boolean).join(' ');
const rate = ({ learning_rate }: Record<string, string>) => `learning rate ${learning_rate}`;
const accuracy: Called = {
  setting: rate,
  config: name,
  baseline: 'none',
  better: 'higher',
  metric: 'validation accuracy',
};
const loss: Called = { ...accuracy, better: 'lower', metric: 'validation loss' };

/** The page says exactly what was worked out by hand; returns that, and the page. */
async function assertTold(made: string, called: Called): Promise<Retold & { page: string }> {
  const expected = retold(made, called);
  const page = await renderReport(made);
  assert.deepEqual(said(page), expected);
  return { ...expected, page };
}

const verdicts = ({ table }: Retold) =>
  table.flatMap(({ lines }) => lines.map(([what, verdict]) => `${what}: ${verdict}`));

/** Of what a run left, the rows of runs.csv changed, and the manifest with the hash of the new file. */
function altered(made: string, change: (row: Row, index: number) => Row | undefined, more: object = {}): string {
  const to = place();
  cpSync(made, to, { recursive: true });
  const file = join(to, 'runs.csv');
  const [header = [], ...records]: string[][] = parse(readFileSync(file));
  const rows = records.map((fields) => Object.fromEntries(header.map((column, i) => [column, fields[i] ?? ''])));
  const kept = rows.map(change).filter((row) => row !== undefined);
  const text = stringify([header, ...kept.map((row) => header.map((column) => row[column] ?? ''))]);
  writeFileSync(file, text);
  const manifest = JSON.parse(readFileSync(join(to, 'manifest.json'), 'utf8'));
  manifest.files['runs.csv'] = {
    bytes: Buffer.byteLength(text),
    sha256: createHash('sha256').update(text).digest('hex'),
  };
  writeFileSync(join(to, 'manifest.json'), JSON.stringify({ ...manifest, ...more }));
  return to;
}

const seeds = (n: number) => Array.from({ length: n }, (_, seed) => seed);
const rnn = [{ name: 'rnn', options: { hidden: [64] } }];
const some = [
  { name: 'none' },
  { name: 'value', threshold: 'clip_value', values: [0.1, 1] },
  { name: 'global_norm', threshold: 'max_norm', values: [0.1, 1, 10] },
];
const wanted: Wanted = { models: rnn, rates: [0.05, 0.5], strategies: some, seeds: seeds(9), steps: 30 };
const family = [
  { learning_rate: 0.5, strategy: 'global_norm', threshold: 1, expect: 'better' },
  { learning_rate: 0.5, strategy: 'global_norm', threshold: 10, expect: 'worse' },
  { learning_rate: 0.05, strategy: 'value', threshold: 0.1, expect: 'better' },
];
const inner = { strategy: 'global_norm', threshold: 1 };
const compare = { baseline: 'none', metric: 'val_accuracy', at: 'final' as const };

const drawn = synthetic({ ...wanted, compare: { ...compare, family } });
const made = await writeSynthetic(place(), drawn);
const isFirst = (row: Row) => row.learning_rate === '0.5' && name(row) === 'global_norm 1';

test('a small run that was computed: every sentence follows from its CSV files', { timeout: 300_000 }, async () => {
  const made = place();
  const file = experimentFile(
    folder,
    `question: Does clipping help a small recurrent network to add?
seeds: 7
steps: 12
batch_size: 4
eval_every: 4
task: {name: adding, length: 6}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.05, 20]}
strategy: [none, {name: value, clip_value: 0.01}, {name: global_norm, max_norm: [0.1, 1]}]
compare:
  baseline: none
  metric: val_loss
  at: final
  family:
    - {learning_rate: 0.05, strategy: global_norm, threshold: 0.1, expect: worse}
    - {learning_rate: 20, strategy: value, expect: worse}
`,
  );
  const { code, stderr } = await clipbench(['run', file, '--out', made, '--jobs', '1']);
  assert.equal(code, 0, stderr);
  const { answer } = await assertTold(made, loss);
  assert.ok(answer.some((sentence) => /Of 2 expectations stated beforehand/.test(sentence)));
  assert.ok(answer.some((sentence) => /the typical difference has no size/.test(sentence)));
});

test('divergences, ties, expectations and a declared family', async () => {
  const drawn = synthetic({ ...wanted, compare: { ...compare, family } });
  // Rounded to 0.02, so that differences tie and some are 0.
  const tied = drawn.runs.map((row) =>
    row.final_val_metric === ''
      ? row
      : { ...row, final_val_metric: String(Math.round(50 * Number(row.final_val_metric)) / 50) },
  );
  const made = await writeSynthetic(place(), { ...drawn, runs: tied });
  const { answer, table } = await assertTold(made, accuracy);
  assert.ok(answer.some((sentence) => / diverged on [1-9] of 9 seeds/.test(sentence)));
  assert.ok(answer.some((sentence) => /3 expectations stated beforehand/.test(sentence)));
  assert.ok(table.flatMap(({ lines }) => lines).some((line) => line[2] === '+∞'));
  // Without the declared family every comparison has a p, among them those of ties on both sides.
  const { compare: _, ...manifest } = drawn.manifest;
  const everything = { ...drawn, manifest: { ...manifest, compare: { ...compare, baseline: inner } }, runs: tied };
  const within = { ...accuracy, baseline: 'global_norm 1' };
  const all = await assertTold(await writeSynthetic(place(), everything), within);
  assert.ok(new Set(all.table.flatMap(({ lines }) => lines.map((line) => line[4]))).size > 4, 'several p values');
});

test('a loss at the best evaluation, where lower is better, with every comparison in the family', async () => {
  const at = { baseline: 'none', metric: 'val_loss', at: 'best' as const };
  const made = await writeSynthetic(
    place(),
    synthetic({ ...wanted, tasks: ['adding'], seeds: seeds(10), compare: at }),
  );
  const { answer } = await assertTold(made, loss);
  const decided = answer.join(' ').match(/\d+ better, \d+ worse|was (better|worse) than/);
  assert.ok(decided, answer.join(' '));
  // The other direction turns every verdict round.
  const turned = retold(made, { ...loss, better: 'higher' });
  assert.notDeepEqual(turned.answer, answer);
});

test('nothing diverged, and one threshold of a strategy is the baseline', async () => {
  const one = { ...wanted, diverging: false, rates: [0.05], compare: { ...compare, baseline: inner } };
  const made = await writeSynthetic(place(), synthetic(one));
  const called = { ...accuracy, baseline: 'global_norm 1', setting: () => 'row_mnist · rnn' };
  const { answer } = await assertTold(made, called);
  assert.equal(answer.at(-1), 'None of the 54 runs diverged.');
});

/** The drawn study with 10 seeds in which every configuration is better than none by so much, at the last and at the best evaluation. */
function better(by: (row: Row) => { final: number; best: number }, only?: typeof family) {
  const more = {
    ...wanted,
    seeds: seeds(10),
    diverging: false,
    compare: { ...compare, ...(only && { family: only }) },
  };
  const drawn = synthetic(more);
  const runs = drawn.runs.map((row): Row => {
    const { final, best } = row.strategy === 'none' ? { final: 0, best: 0 } : by(row);
    return { ...row, final_val_metric: String(0.5 + final), best_val_metric: String(0.5 + best) };
  });
  return { ...drawn, runs };
}

test('what would change the answer: verdicts that hang on seeds or on the evaluation, and those that do not', async () => {
  const steady = ({ seed }: Row) => 0.1 + Number(seed) / 100;
  const told = async (made: ReturnType<typeof better>) =>
    (await assertTold(await writeSynthetic(place(), made), accuracy)).changes;
  // With one small difference the other way p is 4/1024, and 4/512 without one of the others: ten times that is above 0.05.
  const fragile = (row: Row) => (row.seed === '0' ? -0.01 : steady(row));
  assert.deepEqual(await told(better((row) => ({ final: fragile(row), best: -steady(row) }))), [
    'One seed less: 10 of 10 verdicts hang on single seeds.',
    'Had the best evaluation been declared instead of the last step: 10 verdicts would be others.',
  ]);
  const [some, two] = [family, family.slice(0, 2)];
  const same = 'Had the best evaluation been declared instead of the last step: the verdicts would be the same.';
  const both = (row: Row) => ({ final: steady(row), best: steady(row) });
  assert.deepEqual(await told(better(both, some)), [
    'One seed less: all 3 verdicts stay, whichever is left out.',
    same,
  ]);
  const worse = (row: Row) => ({ final: -steady(row), best: -steady(row) });
  for (const all of [both, worse])
    assert.deepEqual(await told(better(all, two)), ['One seed less: both verdicts stay, whichever is left out.', same]);
  // One comparison has 7 seeds and is decided by all of them, the other has 10 and isn't: so there could have been another verdict.
  const open = better((row) => {
    const by = name(row) === 'global_norm 1' ? steady(row) : steady(row) * (Number(row.seed) % 2 === 0 ? -1 : 1);
    return { final: by, best: by };
  }, two);
  const uneven = { ...open, runs: open.runs.filter((row) => !isFirst(row) || Number(row.seed) < 7) };
  assert.deepEqual(await told(uneven), [
    'One seed less: global_norm 1 at learning rate 0.5 is no longer better without any one of 7 of the 10 seeds.',
    same,
    'What is not separated may still differ: the interval that reaches furthest, of global_norm 10 at learning rate 0.5, runs from −0.14 to +0.15.',
  ]);
});

test('too few seeds: no verdict, why, and how many it would take', async () => {
  for (const n of [1, 5]) {
    const made = await writeSynthetic(
      place(),
      synthetic({ ...wanted, seeds: seeds(n), compare: { ...compare, family } }),
    );
    const told = await assertTold(made, accuracy);
    assert.match(told.answer[0] ?? '', /^No verdict is possible on .* It would take 7 seeds\.$/);
    assert.match(told.power ?? '', /no verdict is possible: even if every seed agreed/);
    assert.ok(verdicts(told).every((line) => /: (not possible|descriptive)$/.test(line)));
  }
  const many = await writeSynthetic(place(), synthetic({ ...wanted, seeds: seeds(6), compare }));
  const { answer, power } = await assertTold(many, accuracy);
  assert.match(
    answer[0] ?? '',
    /with 6 paired seeds and 10 comparisons under Holm .* It would take 9 seeds, or a family/,
  );
  assert.match(power ?? '', /So no verdict is possible in this family, whatever the data/);
});

test('an unfinished run: no verdict anywhere, and how many runs are missing', async () => {
  const late = altered(made, (row) => (Number(row.seed) < 7 ? row : undefined), { finished: undefined });
  const told = await assertTold(late, accuracy);
  assert.match(told.overview, /^108 runs: \d+ completed, \d+ diverged and 24 have not run yet\./);
  assert.equal(told.answer[0], 'The run is not finished, so there is no verdict yet.');
  assert.ok(verdicts(told).every((line) => /: (withheld|descriptive)$/.test(line)));
  assert.ok(!/was (better|worse)|So a verdict is possible/.test(told.page), 'no verdict in words');
});

test('a comparison declared after runs had finished: no verdict anywhere', async () => {
  const late = altered(made, (row) => row, { compare_changed: { finished_runs: 12, before: 'none' } });
  const told = await assertTold(late, accuracy);
  assert.equal(told.answer[0], 'The comparison was declared after 12 runs had finished, so there is no verdict.');
  assert.ok(verdicts(told).every((line) => /: (withheld|descriptive)$/.test(line)));
});

/** The same study where some runs failed instead. */
async function failing(fails: (row: Row) => boolean) {
  const gone = drawn.runs.filter(fails);
  const failures = gone.map(({ cell_id = '' }) => ({
    cell_id,
    status: 'failed',
    attempts: '3',
    error: 'out of memory',
    log: 'cells/logs/x.log',
  }));
  const runs = drawn.runs.filter((row) => !gone.includes(row));
  const manifest = { ...drawn.manifest, failed: gone.length };
  const folder = await writeSynthetic(place(), { ...drawn, manifest, runs, failures });
  return { told: await assertTold(folder, accuracy), gone };
}

test('where runs failed there is no verdict, the answer says why and what to do, and the errors are shown', async () => {
  const { told, gone } = await failing((row) => isFirst(row) && Number(row.seed) < 2);
  assert.match(told.overview, / and 2 failed\./);
  assert.match(
    told.answer[0] ?? '',
    /^2 runs failed, so there is no verdict: .* --retry 'failed\|timeout' runs them again\.$/,
  );
  assert.ok(verdicts(told).every((line) => /: (withheld|descriptive)$/.test(line)));
  assert.ok(!/was (better|worse) than/.test(told.page));
  for (const { cell_id = '' } of gone)
    assert.ok(told.page.includes(cell_id) && told.page.includes('out of memory'), cell_id);
});

test('a part of the declared family without any run to compare is missed in the answer, and the reason given', async () => {
  const failed = altered(made, (row) => (isFirst(row) ? undefined : row));
  const { answer, table, page } = await assertTold(failed, accuracy);
  assert.ok(
    answer.includes(
      '1 entry of the declared family has no runs to compare, so it is not counted here; section 1 says why.',
    ),
  );
  assert.ok(
    answer.some((sentence) =>
      /^Of 3 expectations stated beforehand, \d came true and 1 could not be tested\.$/.test(sentence),
    ),
  );
  assert.ok(
    !table.flatMap(({ lines }) => lines).some(([own, verdict]) => own === 'global_norm 1' && verdict !== 'descriptive'),
  );
  assert.match(seen(page), /The declared family names .*"threshold":1.*, which no finished run matches/);
  const alone = altered(made, (row) => (row.strategy === 'none' && row.learning_rate === '0.5' ? undefined : row));
  const other = await assertTold(alone, accuracy);
  assert.ok(
    other.answer.some((sentence) => /^2 entries of the declared family have no runs to compare/.test(sentence)),
  );
  const text = seen(other.page);
  assert.match(text, /learning rate 0\.5: nothing to compare with, since the baseline none has no finished run here/);
  assert.match(text, /"threshold":1.*, for which there is no baseline\./);
});

test('a changed figure is refused, and where the manifest vouches for it, the sentences are other ones', async () => {
  const before = await assertTold(made, accuracy);
  const lower = (row: Row) =>
    isFirst(row) && Number(row.seed) > 2 ? { ...row, status: 'completed', final_val_metric: '0.01' } : row;
  const changed = altered(made, lower);
  const now = await assertTold(changed, accuracy);
  assert.notDeepEqual(now.answer, before.answer);
  const another = altered(made, (row) => (isFirst(row) ? { ...row, status: 'diverged', diverged_at: '3' } : row));
  assert.notEqual((await assertTold(another, accuracy)).answer.at(-1), before.answer.at(-1));
  // The same rows under the hashes of the run.
  writeFileSync(join(changed, 'manifest.json'), readFileSync(join(made, 'manifest.json')));
  await assert.rejects(renderReport(changed), (error: Error) => {
    assert.ok(error instanceof Finding);
    assert.match(error.message, /runs\.csv: altered since it was collected/);
    return true;
  });
});

test('without a declared comparison: no verdict and no table', async () => {
  const none = await writeSynthetic(place(), synthetic({ ...wanted, compare: undefined }));
  const { answer, table } = await assertTold(none, accuracy);
  assert.match(answer[0] ?? '', /^No comparison was declared/);
  assert.deepEqual(table, []);
});
