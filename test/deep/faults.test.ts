/** Faults in a worker, worker and parent stopped for a while, signals. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { clipbench } from '../support/clipbench.ts';
import {
  assertWhole,
  begin,
  descendants,
  type Fault,
  gone,
  goOn,
  killed,
  noProc,
  reap,
  rowsOf,
  storedIds,
  toyBench,
  toyCells,
  until,
  withFault,
  workersOf,
} from '../support/faults.ts';

const seed = process.env.CLIPBENCH_TEST_SEED ?? String(Date.now() % 1_000_000);

const bench = await toyBench({ after });
after(reap);

/** How a worker can fail at a cell, and what failures.csv and the log say of it. */
const kinds: { kind: Fault['kind']; error: RegExp; words: RegExp; status?: string }[] = [
  { kind: 'exception', error: /broken/, words: /the fault "exception" is on its way/ },
  { kind: 'exit', error: /^the worker process ended with exit code 7$/, words: /the fault "exit"/ },
  { kind: 'abort', error: /^the worker process ended with SIGABRT$/, words: /the fault "abort"/ },
  { kind: 'kill', error: /^the worker process ended with SIGKILL$/, words: /the fault "kill"/ },
  { kind: 'memory', error: /^the worker process ended with SIGABRT$/, words: /heap limit|heap out of memory/ },
  { kind: 'hang', error: /^took longer than 4 s$/, words: /the fault "hang"/, status: 'timeout' },
];

/** The heap of every process is kept small, so that one that asks for more soon dies of it. */
function faulty(kind: Fault['kind'], times: number): { env: NodeJS.ProcessEnv; words: string[] } {
  const env = withFault(bench.scratch(), { kind, seed: 3, times });
  if (kind === 'memory') env.NODE_OPTIONS = `${env.NODE_OPTIONS} --max-old-space-size=160`;
  return { env, words: kind === 'hang' ? ['--timeout', '4s'] : [] };
}

describe('a worker that fails', { concurrency: 2 }, () => {
  for (const { kind, error, words: lastWords, status = 'failed' } of kinds) {
    test(`once (${kind}) costs an attempt`, async () => {
      const out = bench.fresh();
      const { env, words } = faulty(kind, 1);
      const { code, stdout, stderr } = await begin(bench, out, ['--jobs', '2', ...words], env).ended;
      assert.equal(code, 0, `${stdout}${stderr}`);
      assertWhole(bench, out, kind);
      await goOn(bench, out, { why: kind });
    });

    test(`always (${kind}) costs a cell, which is listed with a log, and can be had with --retry`, async () => {
      const out = bench.fresh();
      const { env, words } = faulty(kind, 1000);
      const failed = await begin(bench, out, ['--jobs', '2', '--retries', '1', ...words], env).ended;
      assert.equal(failed.code, 3, `${failed.stdout}${failed.stderr}`);
      const failures = rowsOf(out, 'failures.csv');
      assert.equal(failures.length, 2, failed.stderr); // a seed of two strategies
      for (const row of failures) {
        assert.deepEqual([row.status, row.attempts], [status, '2']);
        assert.match(row.error ?? '', error);
        const log = readFileSync(join(out, row.log ?? ''), 'utf8');
        assert.match(log, lastWords);
        assert.equal(log.match(/^attempt \d, ended /gm)?.length, 2, log);
      }
      const ids = rowsOf(out, 'runs.csv').map(({ cell_id }) => cell_id);
      assert.equal(new Set(ids).size, toyCells - 2);
      assert.equal(storedIds(out).size, toyCells - 2);

      const other = status === 'failed' ? 'timeout' : 'failed';
      const untried = await clipbench(['run', bench.file, '--out', out, '--retry', other]);
      assert.equal(untried.code, 3, untried.stdout);
      assert.match(untried.stdout, /0 cells to run, 28 done already, 2 given up before/);
      await goOn(bench, out, { why: kind, words: ['--retry', status] });
    });
  }
});

describe('a process that is stopped for a while', { concurrency: 2, skip: noProc }, () => {
  test('a worker: its cell runs out of time and is run again by another', async () => {
    const out = bench.fresh();
    const run = begin(bench, out, ['--jobs', '2', '--timeout', '4s']);
    await until(() => storedIds(out).size >= 3 || run.over(), 'no results');
    const [worker = 0] = workersOf(run.pid);
    assert.ok(killed(worker, 'SIGSTOP'), `no worker to stop: ${run.said()}`);
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, `${stdout}${stderr}`);
    await gone([worker], 'a stopped worker that ran out of time');
    assertWhole(bench, out, 'a stopped worker');
  });

  test('the parent, for longer than the time limit of a cell: it goes on as if nothing had happened', async () => {
    for (const results of [0, 1, 12]) {
      const out = bench.fresh();
      const run = begin(bench, out, ['--jobs', '2', '--timeout', '3s']);
      await until(() => storedIds(out).size >= results || run.over(), 'no results');
      assert.ok(killed(run.pid, 'SIGSTOP'), `no parent to stop: ${run.said()}`);
      await sleep(4000);
      killed(run.pid, 'SIGCONT');
      const { code, stdout, stderr } = await run.ended;
      assert.equal(code, 0, `${stdout}${stderr}`);
      assertWhole(bench, out, 'a stopped parent');
    }
  });

  test('a stopped parent that is killed takes its workers with it', async () => {
    const out = bench.fresh();
    const run = begin(bench, out, ['--jobs', '3']);
    await until(() => storedIds(out).size >= 3 || run.over(), 'no results');
    const family = descendants(run.pid);
    assert.ok(killed(run.pid, 'SIGSTOP'), `no parent to stop: ${run.said()}`);
    await sleep(300);
    killed(run.pid, 'SIGKILL');
    await gone(family, 'workers of a stopped parent that was killed');
    await goOn(bench, out, { why: 'a stopped parent that was killed' });
  });
});

describe('a signal at a random moment', { concurrency: 2, skip: noProc }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal}, ten times: what is done is kept, and the same command goes on`, async (context) => {
      const random = seedrandom(`${seed} ${signal}`);
      const ends: Record<string, number> = {};
      for (let count = 0; count < 10; ) {
        const out = bench.fresh();
        for (let n = 0; n < 5; n++, count++) {
          const stored = storedIds(out);
          const run = begin(bench, out, ['--jobs', String(1 + Math.floor(random() * 3))]);
          if (random() < 0.4) await sleep(random() * 2500);
          else {
            const want = Math.min(stored.size + 1 + Math.floor(random() * 10), toyCells);
            await until(() => storedIds(out).size >= want || run.over(), 'no results');
            await sleep(random() * 100);
          }
          const family = descendants(run.pid);
          killed(run.pid, signal);
          const { code, stdout, stderr } = await run.ended;
          const why = `CLIPBENCH_TEST_SEED=${seed}, signal ${count}: ${stdout}${stderr}`;
          const end = code === null ? `${run.child.signalCode}` : `exit ${code}`;
          ends[end] = (ends[end] ?? 0) + 1;
          // Node itself ends a process that has no handler yet, which has written nothing then, or has none any more, when
          // all is done.
          if (code === null) assert.equal(run.child.signalCode, signal, why);
          if (code === 0 || (code === null && stdout !== '')) assertWhole(bench, out, why);
          else assert.equal(code ?? 130, 130, why);
          if (code === 130)
            assert.match(
              stdout,
              /interrupted(: (before the first cell; )?run the same command again to go on|, but all was done)/,
              why,
            );
          await gone(family, why);
          const kept = storedIds(out);
          assert.deepEqual(
            [...stored].filter((id) => !kept.has(id)),
            [],
            why,
          );
        }
        await goOn(bench, out, { why: `CLIPBENCH_TEST_SEED=${seed}, after ${count} signals` });
      }
      context.diagnostic(JSON.stringify(ends));
    });
  }
});
