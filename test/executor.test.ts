import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { clipbench, experimentFile, resultHashes, start, temporaryFolder } from './support/clipbench.ts';
import { withFault } from './support/faults.ts';

/** Eight quick runs, four seeds. */
const toy = `question: Does a fault stay alone?
seeds: 4
steps: 4
batch_size: 4
eval_every: 4
task: {name: adding, length: 20}
model: {name: mlp, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [none, {name: global_norm, max_norm: 0.1}]
`;

const rowsOf = (folder: string, file: string): Record<string, string>[] =>
  parse(readFileSync(join(folder, file)), { columns: true });

/** The toy matrix, run in peace, and a second folder for what is to be as good. */
async function calmRun(context: { after(clean: () => void): void }) {
  process.env.CLIPBENCH_BACKEND = 'cpu'; // nothing here depends on what computes
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, toy);
  const calm = join(folder, 'calm');
  const { code, stderr } = await clipbench(['run', file, '--out', calm]);
  assert.equal(code, 0, stderr);
  return { folder, file, calm, out: join(folder, 'out') };
}

test('a fault that passes costs an attempt: the cell is run again, to the same bytes', async (context) => {
  const { folder, file, calm } = await calmRun(context);
  for (const kind of ['exception', 'exit', 'kill'] as const) {
    const out = join(folder, kind);
    const env = withFault(folder, { kind, seed: 2, times: 1 });
    const { code, stderr } = await clipbench(['run', file, '--out', out, '--jobs', '2'], env);
    assert.equal(code, 0, stderr);
    assert.deepEqual(resultHashes(out), resultHashes(calm), kind);
    assert.deepEqual(rowsOf(out, 'failures.csv'), []);
  }
});

test('a cell that fails again and again is given up, listed with its log, and tried again only when asked', async (context) => {
  const { folder, file, calm, out } = await calmRun(context);
  const env = withFault(folder, { kind: 'exit', seed: 2, times: 1000 });
  const failed = await clipbench(['run', file, '--out', out, '--retries', '2'], env);
  assert.equal(failed.code, 3);
  assert.match(failed.stderr, /cell [0-9a-f]{16} failed after 3 attempts: the worker process ended with exit code 7/);
  const failures = rowsOf(out, 'failures.csv');
  assert.deepEqual(
    failures.map(({ status, attempts }) => `${status} ${attempts}`),
    ['failed 3', 'failed 3'],
  );
  const log = readFileSync(join(out, failures[0]?.log ?? ''), 'utf8');
  assert.equal(log.match(/^attempt \d, ended .*: the worker process ended with exit code 7$/gm)?.length, 3);
  assert.match(log, /the fault "exit" is on its way/);
  assert.deepEqual(
    rowsOf(out, 'runs.csv').map(({ seed }) => seed),
    ['0', '1', '3', '0', '1', '3'],
  );
  for (const words of [[], ['--retry', 'timeout']]) {
    const again = await clipbench(['run', file, '--out', out, ...words]);
    assert.equal(again.code, 3);
    assert.match(again.stdout, /0 cells to run, 6 done already[\s\S]*2 given up before \(--retry 'failed\|timeout'/);
  }
  const retried = await clipbench(['run', file, '--out', out, '--retry', 'failed']);
  assert.equal(retried.code, 0, retried.stderr);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
  assert.deepEqual(rowsOf(out, 'failures.csv'), []);
});

test('a run that hangs is killed at its time limit, and retried as a timeout', async (context) => {
  const { folder, file, calm, out } = await calmRun(context);
  const env = withFault(folder, { kind: 'hang', seed: 1, times: 1 });
  const words = ['run', file, '--out', out, '--timeout', '3s', '--retries', '0'];
  const { code, stderr } = await clipbench(words, env);
  assert.equal(code, 3);
  assert.match(stderr, /cell [0-9a-f]{16} timed out after 1 attempts: took longer than 3 s/);
  assert.deepEqual(
    rowsOf(out, 'failures.csv').map(({ status }) => status),
    ['timeout'],
  );
  const retried = await clipbench(['run', file, '--out', out, '--retry', 'timeout']);
  assert.equal(retried.code, 0, retried.stderr);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

test('--fail-fast stops at the first cell that is given up; --budget when the time is spent', async (context) => {
  const { folder, file, calm, out } = await calmRun(context);
  const env = withFault(folder, { kind: 'exit', seed: 0, times: 1000 });
  const fast = await clipbench(['run', file, '--out', out, '--jobs', '1', '--retries', '0', '--fail-fast'], env);
  assert.equal(fast.code, 3);
  assert.match(fast.stdout, /0 completed, 0 diverged, 1 failed, 7 not run/);
  const spent = await clipbench(['run', file, '--out', out, '--retry', 'failed', '--budget', '1ms']);
  assert.equal(spent.code, 130);
  assert.match(spent.stdout, /out of budget: before the first cell; run the same command again to go on/);
  const rest = await clipbench(['run', file, '--out', out, '--retry', 'failed', '--budget', '10m']);
  assert.equal(rest.code, 0, rest.stderr);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

test('--filter runs a part, and the parts make the whole', async (context) => {
  const { file, calm, out } = await calmRun(context);
  const part = await clipbench(['run', file, '--out', out, '--filter', 'strategy=none,seed=1|3']);
  assert.equal(part.code, 0, part.stderr);
  assert.match(part.stdout, /2 completed, 0 diverged, 0 failed, 6 not selected/);
  assert.deepEqual(
    rowsOf(out, 'runs.csv').map(({ strategy, seed }) => `${strategy} ${seed}`),
    ['none 1', 'none 3'],
  );
  const rest = await clipbench(['run', file, '--out', out, '--filter', 'strategy!=none', '--filter', 'seed=0|1|2|3']);
  assert.match(rest.stdout, /6 completed, 0 diverged, 0 failed, 2 not selected/);
  assert.equal((await clipbench(['run', file, '--out', out])).code, 0);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

test('--smoke and --set run other cells, marked as such', async (context) => {
  const { folder, file } = await calmRun(context);
  const [smoke, set] = [join(folder, 'smoke'), join(folder, 'set')];
  assert.equal((await clipbench(['run', file, '--out', smoke, '--smoke'])).code, 0);
  assert.deepEqual(
    rowsOf(smoke, 'runs.csv').map(({ phase, seed, steps }) => `${phase} ${seed} ${steps}`),
    ['smoke 0 3', 'smoke 0 3'],
  );
  assert.equal((await clipbench(['report', smoke])).code, 0);
  assert.match(readFileSync(join(smoke, 'report.html'), 'utf8'), /<title>SMOKE TEST/);

  assert.equal((await clipbench(['run', file, '--out', set, '--set', 'steps=2', '--set', 'seeds=[7]'])).code, 0);
  assert.deepEqual(
    rowsOf(set, 'runs.csv').map(({ phase, seed, steps }) => `${phase} ${seed} ${steps}`),
    ['confirm 7 2', 'confirm 7 2'],
  );
});

test('a second Ctrl-C ends at once, and no worker stays behind, not even one that hangs', {
  skip: !existsSync('/proc/self/stat') && 'needs /proc',
}, async (context) => {
  const { folder, file, calm, out } = await calmRun(context);
  const fault = { kind: 'hang', seed: 0, times: 1000 } as const;
  for (const signals of [['SIGINT', 'SIGINT'], ['SIGKILL']] as const) {
    const { child, ended } = start(['run', file, '--out', out, '--jobs', '2'], withFault(folder, fault));
    const workers = await hangingWorkers(child.pid ?? 0, join(folder, 'marks-hang'));
    for (const signal of signals) {
      child.kill(signal);
      await sleep(50);
    }
    const { code } = await ended;
    assert.equal(code, signals[0] === 'SIGINT' ? 130 : null);
    for (let waited = 0; workers.some(isAlive); waited += 50) {
      assert.ok(waited < 10_000, `workers ${workers} outlive their parent`);
      await sleep(50);
    }
  }
  assert.equal((await clipbench(['run', file, '--out', out])).code, 0);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

/** The workers of a run, once both have met the fault. */
async function hangingWorkers(parent: number, marks: string): Promise<number[]> {
  while (readFileSync(marks, 'utf8').length < 2) await sleep(20);
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number);
  const workers = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker.ts'));
  assert.equal(workers.length, 2, String(workers));
  return workers;
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a worker that can not be started leaves the work to the others', async (context) => {
  const { folder, file, calm, out } = await calmRun(context);
  const env = withFault(folder, { kind: 'stillborn', seed: 0, times: 1000 });
  const { code, stderr } = await clipbench(['run', file, '--out', out, '--jobs', '2'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

test('a reader that goes away does not stop the run', async (context) => {
  const { file, calm, out } = await calmRun(context);
  const { child, ended } = start(['run', file, '--out', out]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  assert.equal((await ended).code, 0);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});

test('a full disk stops the run with one line, loses nothing, and leaves nothing half written', {
  skip: !existsSync('/bin/bash') && 'needs ulimit',
}, async (context) => {
  const { file, calm, out } = await calmRun(context);
  for (const kilobytes of [1, 3]) {
    const limited = await clipbench(['run', file, '--out', out, '--jobs', '1'], {}, kilobytes);
    assert.equal(limited.code, 2, limited.stdout);
    assert.match(limited.stderr, /can't be written any more \(no room: EFBIG\); what is done is kept; make room/);
  }
  const done = await clipbench(['run', file, '--out', out]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /done already/);
  assert.doesNotMatch(done.stdout, /torn|altered/);
  assert.deepEqual(resultHashes(out), resultHashes(calm));
});
