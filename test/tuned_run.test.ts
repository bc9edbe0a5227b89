import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { manifestSchema } from '../src/manifest.ts';
import { statusOf } from '../src/run/status.ts';
import { scan } from '../src/run/store.ts';
import { clipbench, experimentFile, resultHashes, start, temporaryFolder } from './support/clipbench.ts';
import { withFault } from './support/faults.ts';

/** Twelve runs of trials, of which each strategy's two chosen seeds make four more. */
const tuned = `question: Who is better at a rate of its own?
seeds: 2
steps: 6
batch_size: 8
eval_every: 6
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.001, 0.1, 1e+30]}
strategy: [none, {name: norm, max_norm: 0.1}]
compare: {baseline: none, metric: val_loss}
tune: {over: [learning_rate], seeds: [100, 101]}
`;

const rowsOf = (folder: string, file: string): Record<string, string>[] =>
  parse(readFileSync(join(folder, file)), { columns: true });
const recordCount = (folder: string) =>
  [...scan(folder).stored.values()].reduce((sum, { results }) => sum + results.size, 0);

test('trials choose on validation, without the test split, and what they choose is run on the seeds of the matrix', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, tuned);
  const out = join(folder, 'out');
  const { code, stdout, stderr } = await clipbench(['run', file, '--out', out, '--jobs', '2']);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /12 cells to run, 0 done[\s\S]*the trials are done: 4 runs of what they chose follow[\s\S]*4 cells to run, 12 done/,
  );
  const rows = rowsOf(out, 'runs.csv');
  assert.deepEqual(
    rows.map(({ phase, trial, strategy, seed }) => `${phase} ${trial} ${strategy} ${seed}`),
    [
      ...['none', 'norm'].flatMap((name) =>
        [0, 1, 2].flatMap((trial) => [100, 101].map((seed) => `tune ${trial} ${name} ${seed}`)),
      ),
      ...['none', 'norm'].flatMap((name) => [0, 1].map((seed) => `confirm  ${name} ${seed}`)),
    ],
  );
  const trials = rows.filter(({ phase }) => phase === 'tune');
  assert.ok(trials.every((row) => row.final_test_loss === '' && row.best_test_loss === ''));
  const blind = new Set(trials.map(({ cell_id }) => cell_id));
  const tested = rowsOf(out, 'evals.csv').filter(({ split }) => split === 'test');
  assert.ok(tested.length > 0 && tested.every(({ cell_id = '' }) => !blind.has(cell_id)));
  assert.ok(
    trials.some(({ status }) => status === 'diverged'),
    'a rate of 1e30 diverges',
  );

  for (const strategy of ['none', 'norm']) {
    const own = trials.filter((row) => row.strategy === strategy);
    // The median of two is their mean; a run that diverged is worse than any.
    const losses = [0, 1, 2].map((trial) =>
      own
        .filter((row) => row.trial === String(trial))
        .reduce((sum, row) => sum + (row.status === 'diverged' ? Infinity : Number(row.final_val_loss) / 2), 0),
    );
    const best = own.find((row) => row.trial === String(losses.indexOf(Math.min(...losses))));
    const rates = new Set(
      rows.filter((row) => row.phase === 'confirm' && row.strategy === strategy).map((row) => row.learning_rate),
    );
    assert.deepEqual(rates, new Set([best?.learning_rate]));
  }
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')));
  assert.deepEqual(manifest.tune, { over: ['learning_rate'], seeds: [100, 101], method: 'grid' });
  assert.equal(manifest.cells, 16);
  assert.ok(manifest.finished);
  assert.equal(statusOf(out).left, 0);
  const again = await clipbench(['run', file, '--out', out]);
  assert.match(again.stdout, /nothing was touched since/);
});

test('the same bytes for one worker, after kill -9 among the trials, and after one among what they chose', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, tuned);
  const calm = join(folder, 'calm');
  assert.equal((await clipbench(['run', file, '--out', calm, '--jobs', '1'])).code, 0);
  for (const after of [5, 13]) {
    const out = join(folder, `killed-${after}`);
    const interrupted = start(['run', file, '--out', out, '--jobs', '1']);
    while (recordCount(out) < after && interrupted.child.exitCode === null) await sleep(5);
    interrupted.child.kill('SIGKILL');
    await interrupted.ended;
    const resumed = await clipbench(['run', file, '--out', out, '--jobs', '2']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.deepEqual(resultHashes(out), resultHashes(calm), `killed after ${after}`);
  }
});

test('trials that were selected alone leave the choice to the next run', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, tuned);
  const out = join(folder, 'out');
  const some = await clipbench(['run', file, '--out', out, '--filter', 'strategy=norm']);
  assert.equal(some.code, 0, some.stderr);
  assert.match(some.stdout, /6 cells to run/);
  assert.match(some.stdout, /2 runs wait for trials that have no result; the same command without --filter does both/);
  assert.equal(statusOf(out).left, 10);
  const all = await clipbench(['run', file, '--out', out]);
  assert.equal(all.code, 0, all.stderr);
  assert.equal(rowsOf(out, 'runs.csv').length, 16);
  const narrow = await clipbench(['run', file, '--out', out, '--filter', 'trial=0']);
  assert.match(narrow.stdout, /0 cells to run, 4 done already/);
  assert.equal(rowsOf(out, 'runs.csv').length, 16, 'what was chosen stays');
});

test('where a trial can not be had, its strategy has no choice, and the run says what to do', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, tuned);
  const out = join(folder, 'out');
  const env = withFault(folder, { kind: 'exception', seed: 100, times: 2 });
  const failed = await clipbench(['run', file, '--out', out, '--jobs', '1', '--retries', '0'], env);
  assert.equal(failed.code, 3);
  assert.match(failed.stdout, /2 runs wait for trials that have no result; --retry 'failed\|timeout' tries them again/);
  assert.deepEqual(
    rowsOf(out, 'runs.csv')
      .filter(({ phase }) => phase === 'confirm')
      .map(({ strategy }) => strategy),
    ['norm', 'norm'],
  );
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')));
  assert.equal(manifest.finished, undefined);
  const retried = await clipbench(['run', file, '--out', out, '--retry', 'failed']);
  assert.equal(retried.code, 0, retried.stderr);
  assert.equal(rowsOf(out, 'runs.csv').length, 16);
});

test('another range once the choice has been run is no declared search any more; before, or for one more strategy, it is', async (context) => {
  const folder = temporaryFolder(context);
  const out = join(folder, 'out');
  const wider = tuned.replace('[0.001, 0.1, 1e+30]', '[0.001, 0.1, 0.2]');
  const changed = () =>
    manifestSchema.parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).compare_changed;
  const run = async (text: string, ...more: string[]) => {
    const { code, stderr } = await clipbench(['run', experimentFile(folder, text), '--out', out, ...more]);
    assert.equal(code, 0, stderr);
  };
  await run(tuned, '--filter', 'trial=0');
  await run(wider);
  assert.equal(changed(), undefined, 'nothing that was chosen had been run');
  await run(wider.replace('max_norm: 0.1}]', 'max_norm: 0.1}, {name: value, clip_value: 0.1}]'));
  assert.equal(changed(), undefined, 'what the others tried is what it was');
  await run(tuned);
  assert.deepEqual([changed()?.what, changed()?.finished_runs], ['search', 24]);
  await run(wider);
  assert.equal(changed()?.what, 'search', 'for good');
});
