import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { csvFiles } from '../src/columns.ts';
import { manifestSchema } from '../src/manifest.ts';
import { scan } from '../src/run/store.ts';
import { clipbench, experimentFile, resultHashes, start, temporaryFolder } from './support/clipbench.ts';

/** Twelve short runs, among them chains, both optimizers and runs that diverge. */
const small = `question: Does it stay the same?
seeds: 2
steps: 12
batch_size: 8
eval_every: 6
telemetry: full
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[4]]}
matrix:
  - optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9}
    strategy: [none, {name: norm, max_norm: 0.1}, {chain: [{name: value, clip_value: 0.01}, {name: global_norm, max_norm: 0.01}]}]
  - optimizer: {name: adam, learning_rate: 0.01}
    strategy: [{name: global_norm, max_norm: 0.1}]
  - optimizer: {name: sgd, learning_rate: 0.1}
    gradient_scale: 1e+30
    strategy: [none, {name: global_norm, max_norm: 0.1}]
compare: {baseline: none, metric: val_success_rate}
`;

const rowsOf = (folder: string, file: string): Record<string, string>[] =>
  parse(readFileSync(join(folder, file)), { columns: true });

const recordCount = (folder: string) =>
  [...scan(folder).stored.values()].reduce((sum, { results }) => sum + results.size, 0);

/** Of the finished cells. */
const textFiles = (folder: string) =>
  readdirSync(join(folder, 'cells'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /^[0-9a-f]{12}\/[0-9a-f]{2}\/.*\.txt$/.test(name))
    .map((name) => join(folder, 'cells', name));

test('the same bytes for one worker, for three, and after kill -9 and going on', {
  timeout: 300_000,
}, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, small);
  const [one, three, killed] = ['one', 'three', 'killed'].map((name) => join(folder, name));
  assert.ok(one && three && killed);

  assert.equal((await clipbench(['run', file, '--out', one, '--jobs', '1'])).code, 0);
  assert.equal((await clipbench(['run', file, '--out', three, '--jobs', '3'])).code, 0);

  const interrupted = start(['run', file, '--out', killed, '--jobs', '1']);
  while (recordCount(killed) < 4 && interrupted.child.exitCode === null) await sleep(5);
  interrupted.child.kill('SIGKILL');
  await interrupted.ended;
  const kept = recordCount(killed);
  assert.ok(kept >= 4 && kept < 12, `${kept} records after the kill`);
  assert.ok(!existsSync(join(killed, 'runs.csv')));
  const resumed = await clipbench(['run', file, '--out', killed, '--jobs', '2']);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stdout, /cells to run, [1-9]\d* done already/);

  assert.deepEqual(resultHashes(three), resultHashes(one));
  assert.deepEqual(resultHashes(killed), resultHashes(one));
});

test('a finished run is a page of results', { timeout: 300_000 }, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, small);
  const out = join(folder, 'out');
  const { code, stderr } = await clipbench(['run', file, '--out', out, '--jobs', '2']);
  assert.equal(code, 0, stderr);

  await context.test('every CSV file has its columns, and rows in matrix order', () => {
    for (const { file: name, columns } of csvFiles) {
      const [header] = readFileSync(join(out, name), 'utf8').split('\n', 1);
      assert.equal(header, columns.map((column) => column.name).join(','));
      assert.ok(!readFileSync(join(out, name), 'utf8').includes('\r'));
    }
    const runs = rowsOf(out, 'runs.csv');
    assert.equal(runs.length, 12);
    assert.deepEqual(
      runs.slice(0, 6).map(({ strategy, seed }) => `${strategy} ${seed}`),
      ['none 0', 'none 1', 'norm 0', 'norm 1', 'value-global_norm 0', 'value-global_norm 1'],
    );
    const order = runs.map(({ cell_id }) => cell_id);
    for (const name of ['steps.csv', 'evals.csv']) {
      assert.deepEqual([...new Set(rowsOf(out, name).map(({ cell_id }) => cell_id))], order);
    }
  });

  await context.test('a diverged run is a result: no final figures, its best ones stand, its rows end there', () => {
    const runs = rowsOf(out, 'runs.csv').filter(({ status }) => status === 'diverged');
    assert.equal(runs.length, 2);
    for (const run of runs) {
      assert.equal(run.strategy, 'none');
      assert.equal(run.final_val_loss, '');
      assert.equal(run.params_hash, '');
      assert.notEqual(run.best_val_loss, '');
      const last = rowsOf(out, 'steps.csv')
        .filter(({ cell_id }) => cell_id === run.cell_id)
        .at(-1);
      assert.equal(last?.step, run.diverged_at);
    }
  });

  await context.test('step 0 has the same loss and gradient norm for all strategies of a seed', () => {
    const runs = rowsOf(out, 'runs.csv').filter(({ cell_options }) => cell_options?.includes('"gradient_scale":1,'));
    const first = new Map(
      rowsOf(out, 'steps.csv')
        .filter(({ step }) => step === '0')
        .map((row) => [row.cell_id, row]),
    );
    for (const seed of ['0', '1']) {
      const starts = runs.filter((run) => run.seed === seed).map(({ cell_id }) => first.get(cell_id));
      assert.equal(new Set(starts.map((row) => `${row?.loss} ${row?.grad_norm}`)).size, 1);
    }
  });

  await context.test('a chain reports the thresholds of its members as signals', () => {
    const names = new Set(rowsOf(out, 'signals.csv').map(({ name }) => name));
    assert.deepEqual([...names].sort(), [
      'global_norm.clipped_fraction',
      'global_norm.threshold',
      'value.clipped_fraction',
      'value.threshold',
    ]);
  });

  await context.test('the manifest says what ran', () => {
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')));
    assert.equal(manifest.experiment.text, small);
    assert.deepEqual([manifest.cells, manifest.completed, manifest.diverged, manifest.failed], [12, 10, 2, 0]);
    assert.equal(manifest.parts.strategies?.norm?.threshold, 'max_norm');
  });

  await context.test('running again does nothing and changes nothing', async () => {
    const before = resultHashes(out);
    const again = await clipbench(['run', file, '--out', out, '--jobs', '1']);
    assert.match(again.stdout, /0 cells to run, 12 done already.*\n.*nothing was touched/);
    assert.deepEqual(resultHashes(out), before);
  });

  await context.test('a torn record and a lost text are run again, to the same bytes', async () => {
    const before = resultHashes(out);
    const segments = join(out, 'cells', 'segments');
    const [segment = ''] = readdirSync(segments);
    const text = readFileSync(join(segments, segment), 'utf8');
    writeFileSync(join(segments, segment), text.slice(0, -20));
    rmSync(dirname(textFiles(out)[0] ?? ''), { recursive: true });
    const again = await clipbench(['run', file, '--out', out, '--jobs', '1']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /torn or altered are done again: \d+ \(w1-.*\.log:\d+, torn\)/);
    assert.deepEqual(resultHashes(out), before);
    assert.deepEqual(scan(out).damaged, [], 'torn lines are taken out of their segments');
  });

  await context.test(
    'an altered text is found by collect (exit code 1), put aside, and done again by run',
    async () => {
      const before = resultHashes(out);
      const [path = ''] = textFiles(out);
      writeFileSync(
        path,
        readFileSync(path, 'utf8').replace(/(?<=,)\d/, (digit) => String((Number(digit) + 1) % 10)),
      );
      const collected = await clipbench(['collect', out]);
      assert.equal(collected.code, 1);
      assert.match(
        collected.stderr,
        new RegExp(`1 stored run was altered \\(${path}, now .*aside.*\\); .*clipbench run`),
      );
      assert.deepEqual(resultHashes(out), before, 'the CSV files stay');
      const again = await clipbench(['run', file, '--out', out, '--jobs', '1']);
      assert.equal(again.code, 0, again.stderr);
      assert.match(again.stdout, /1 cells to run, 11 done already/);
      assert.deepEqual(resultHashes(out), before);
    },
  );

  await context.test('run finds an altered text by itself and does it again in the same call', async () => {
    const before = resultHashes(out);
    const [path = ''] = textFiles(out);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/[0-9a-f]\n$/, 'x\n'));
    const again = await clipbench(['run', file, '--out', out, '--jobs', '1']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /done again: 1 \(.*aside.*\)/);
    assert.deepEqual(resultHashes(out), before);
  });

  await context.test('results of another environment are not mixed in', async () => {
    const another = process.env.CLIPBENCH_BACKEND === 'cpu' ? 'wasm' : 'cpu';
    const other = await clipbench(['run', file, '--out', out, '--jobs', '1'], { CLIPBENCH_BACKEND: another });
    assert.equal(other.code, 2);
    assert.match(other.stderr, /holds results of another environment .*--out.*--force/);
  });
});

const processTree = existsSync('/proc/self/task');
test('a worker that is killed costs an attempt, not a result', {
  skip: !processTree && 'needs /proc',
}, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, small);
  const [calm, out] = [join(folder, 'calm'), join(folder, 'out')];
  await clipbench(['run', file, '--out', calm, '--jobs', '1']);
  const { child, ended } = start(['run', file, '--out', out, '--jobs', '1']);
  while (recordCount(out) < 2 && child.exitCode === null) await sleep(5);
  // esbuild, which tsx starts, is a child too: the workers are those that run worker.ts.
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  const workers = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker.ts'));
  assert.equal(workers.length, 1);
  process.kill(Number(workers[0]), 'SIGKILL');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

test('of two runs in one folder at once, one is refused and the other unharmed', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, small);
  const [alone, shared] = [join(folder, 'alone'), join(folder, 'shared')];
  await clipbench(['run', file, '--out', alone, '--jobs', '1']);
  const both = await Promise.all([1, 2].map(() => clipbench(['run', file, '--out', shared, '--jobs', '1'])));
  assert.deepEqual(both.map(({ code }) => code).sort(), [0, 2]);
  const refused = both.find(({ code }) => code === 2);
  assert.match(refused?.stderr ?? '', /is being written by process \d+ on .* since .*; wait for it/);
  assert.deepEqual(resultHashes(shared), resultHashes(alone));
});

test('a comparison that is declared after runs had finished is marked so, for good', async (context) => {
  const folder = temporaryFolder(context);
  const out = join(folder, 'out');
  const run = async (compare: string) => {
    const text = small.replace(/^compare:.*$/m, compare).replace('seeds: 2', 'seeds: 1');
    const { code, stderr } = await clipbench(['run', experimentFile(folder, text), '--out', out, '--jobs', '1']);
    assert.equal(code, 0, stderr);
    return manifestSchema.parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')));
  };
  const declared = await run('compare: {baseline: none, metric: val_success_rate}');
  assert.equal(declared.compare_changed, undefined);
  const changed = await run('compare: {baseline: none, metric: val_loss}');
  assert.deepEqual(changed.compare_changed, { what: 'comparison', finished_runs: 6, before: declared.compare_sha256 });
  assert.equal(changed.started, declared.started);
  const back = await run('compare: {baseline: none, metric: val_success_rate}');
  assert.deepEqual(back.compare_changed, changed.compare_changed);
  await clipbench(['report', out]);
  assert.match(
    readFileSync(join(out, 'report.html'), 'utf8'),
    /declared after 6 runs had finished, so there is no verdict/,
  );
});

test('Ctrl-C while workers start ends with 130', async (context) => {
  const folder = temporaryFolder(context);
  const { child, ended } = start(['run', experimentFile(folder, small), '--out', join(folder, 'out'), '--jobs', '2']);
  while (!existsSync(join(folder, 'out')) && child.exitCode === null) await sleep(5);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  assert.equal(code, 130, stderr);
});

test('a run stopped by Ctrl-C keeps what is done and ends with 130', { timeout: 300_000 }, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, small.replace('steps: 12', 'steps: 40'));
  const out = join(folder, 'out');
  const { child, ended } = start(['run', file, '--out', out, '--jobs', '1']);
  while (recordCount(out) < 2 && child.exitCode === null) await sleep(5);
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  assert.equal(code, 130, stdout);
  assert.match(stdout, /[1-9]\d* not run/);
  assert.ok(rowsOf(out, 'runs.csv').length >= 2);
});
