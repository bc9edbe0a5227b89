/** Sentences, words for pictures and tables of the sections, against what the CSV files alone say. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { renderReport } from '../src/report/index.ts';
import type { Row } from '../src/report/row.ts';
import { clipbench, experimentFile, temporaryFolder } from './support/clipbench.ts';
import type { Called } from './support/compared.ts';
import { saidIn } from './support/page.ts';
import { across } from './support/retold_across.ts';
import { clipping, divergence, targets } from './support/retold_ends.ts';
import { norms } from './support/retold_norms.ts';
import { rates } from './support/retold_rates.ts';
import { tuning } from './support/retold_tuning.ts';
import { type Says, studyOf } from './support/study.ts';
import { type Synthetic, synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

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
const loss: Called = { ...accuracy, better: 'lower', metricBetter: 'lower', metric: 'validation loss' };

/** Without what isn't worked out. */
const masked = (said: string[][], lines: (string | undefined)[][]): (string | undefined)[][] =>
  said.map((line, i) =>
    line.map((cell, j) => (j in (lines[i] ?? []) && lines[i]?.[j] === undefined ? undefined : cell)),
  );

/** Every section says what was worked out by hand; returns the ids of those that are there. */
async function assertSections(made: string, called: Called, over: string[] = []): Promise<string[]> {
  const page = await renderReport(made);
  const study = studyOf(made, called);
  const expected: Record<string, Says | undefined> = {
    divergence: divergence(study),
    targets: targets(study),
    clipping: clipping(study),
    norms: norms(study),
    rates: rates(study),
    across: across(study),
    tuning: tuning(study, over),
  };
  for (const [id, says] of Object.entries(expected)) {
    const said = saidIn(page, id);
    assert.equal(said === undefined, says === undefined, id);
    if (said === undefined || says === undefined) continue;
    for (const sentence of says.text) assert.ok(said.text.includes(sentence), `${id}: ${sentence}\nin: ${said.text}`);
    assert.deepEqual(masked([said.pictures], [says.pictures])[0], says.pictures, id);
    for (const [caption, lines] of Object.entries(says.tables))
      assert.deepEqual(masked(said.tables[caption] ?? [], lines), lines, `${id}: ${caption}`);
  }
  return Object.keys(expected).filter((id) => expected[id] !== undefined);
}

const seeds = (n: number) => Array.from({ length: n }, (_, seed) => seed);
const wanted: Wanted = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.05, 0.2, 0.5],
  strategies: [
    { name: 'none' },
    { name: 'value', threshold: 'clip_value', values: [0.1, 1] },
    { name: 'global_norm', threshold: 'max_norm', values: [0.1, 1, 10] },
  ],
  seeds: seeds(9),
  steps: 30,
};
const compare = { baseline: 'none', metric: 'val_accuracy', at: 'final' as const };

/** With a target that runs reach after some step, or never. */
function aiming(made: Synthetic): Synthetic {
  const runs = made.runs.map((row, i): Row => {
    const reached = row.status === 'diverged' || i % 4 === 0 ? '' : String(5 * (1 + (i % 6)));
    return { ...row, cell_options: '{"eval_every":5,"log_every":1,"target":0.5}', steps_to_target: reached };
  });
  return { ...made, runs };
}

test('a run that was computed, with a target, three learning rates and the times of its steps', {
  timeout: 300_000,
}, async () => {
  const made = place();
  const file = experimentFile(
    folder,
    `question: At which rates does clipping help a small recurrent network to add?
seeds: 4
steps: 12
batch_size: 4
eval_every: 4
target: 0.25
task: {name: adding, length: 6}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.01, 0.3, 20]}
strategy: [none, {name: value, clip_value: 0.01}, {name: global_norm, max_norm: [0.1, 1]}]
compare: {baseline: none, metric: val_loss, at: final}
`,
  );
  const { code, stderr } = await clipbench(['run', file, '--out', made, '--jobs', '1']);
  assert.equal(code, 0, stderr);
  // Its own metric is the share of right answers.
  const ids = await assertSections(made, { ...loss, metricBetter: 'higher' });
  assert.deepEqual(ids, ['divergence', 'targets', 'clipping', 'norms', 'rates', 'across']);
});

test('divergences at some settings, a target, and a metric where higher is better', async () => {
  const made = aiming(synthetic({ ...wanted, compare }));
  const ids = await assertSections(await writeSynthetic(place(), made), accuracy);
  assert.deepEqual(ids, ['divergence', 'targets', 'clipping', 'norms', 'rates', 'across']);
});

test('no divergence, eleven seeds, and the loss at the best evaluation', async () => {
  const at = { baseline: 'none', metric: 'val_loss', at: 'best' as const };
  const made = aiming(
    synthetic({ ...wanted, rates: [0.05, 0.5], seeds: seeds(11), diverging: false, tasks: ['adding'], compare: at }),
  );
  const ids = await assertSections(await writeSynthetic(place(), made), loss);
  assert.deepEqual(ids, ['divergence', 'targets', 'clipping', 'norms', 'across']);
});

test('trials that were computed: what they chose, how that did, and what fewer would have found', async () => {
  const made = place();
  const file = experimentFile(
    folder,
    `question: Who is better at a rate of its own?
seeds: 3
steps: 6
batch_size: 8
eval_every: 6
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.001, 0.03, 0.1, 1e+30]}
strategy: [none, {name: norm, max_norm: 0.1}]
compare: {baseline: none, metric: val_loss}
tune: {over: [learning_rate], seeds: [100, 101]}
`,
  );
  const { code, stderr } = await clipbench(['run', file, '--out', made, '--jobs', '1']);
  assert.equal(code, 0, stderr);
  const ids = await assertSections(made, { ...loss, setting: () => 'adding · rnn' }, ['learning_rate']);
  assert.deepEqual(ids, ['divergence', 'clipping', 'norms', 'tuning']);
});

test('a threshold that was chosen beside the learning rate, and trials that diverged', async () => {
  const made = place();
  const file = experimentFile(
    folder,
    `question: Who is better at a threshold and a rate of its own?
seeds: 3
steps: 6
batch_size: 8
eval_every: 6
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.01, 1e+30]}
strategy: [{name: value, clip_value: [0.01, 0.1]}, {name: norm, max_norm: [0.1, 1]}]
compare: {baseline: value, metric: val_loss, at: best}
tune: {over: [learning_rate, threshold], seeds: [100, 101, 102]}
`,
  );
  const { code, stderr } = await clipbench(['run', file, '--out', made, '--jobs', '1']);
  assert.equal(code, 0, stderr);
  const config = ({ strategy }: Record<string, string>) => `${strategy} tuned`;
  const ids = await assertSections(made, { ...loss, config, baseline: 'value', setting: () => 'adding · rnn' }, [
    'learning_rate',
    'threshold',
  ]);
  assert.deepEqual(ids, ['divergence', 'clipping', 'norms', 'tuning']);
});
