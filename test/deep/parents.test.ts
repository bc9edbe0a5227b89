/** Several runs in one folder: one at a time, whatever became of the one before. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  assertOnce,
  assertOneLine,
  assertWhole,
  begin,
  gone,
  goOn,
  killed,
  noProc,
  reap,
  storedIds,
  toyBench,
  until,
  workersOf,
} from '../support/faults.ts';
import { lockRace } from '../support/faults-lock.ts';

const bench = await toyBench({ after });
after(reap);

const lockOf = (out: string) => join(out, 'cells', 'lock.json');

/** Of this process: it lives, whatever its lock says of when it began. */
const holder = {
  pid: process.pid,
  host: hostname(),
  started: '2026-01-01T00:00:00.000Z',
  process_start: '1 of another process',
  command: 'clipbench run',
};

function locked(lock: unknown): string {
  const out = bench.fresh();
  mkdirSync(join(out, 'cells'), { recursive: true });
  writeFileSync(lockOf(out), `${JSON.stringify(lock)}\n`);
  return out;
}

/** Starts so many at once: at least one gets through, the others are refused, or find all done. No cell is run twice. */
async function together(count: number, out: string, why: string): Promise<number> {
  const runs = Array.from({ length: count }, () => begin(bench, out, ['--jobs', '1']));
  const pids = runs.map(({ pid }) => pid);
  const all = await Promise.all(runs.map(({ ended }) => ended));
  const words = `${why}: ${JSON.stringify(all)}`;
  const through = all.filter(({ code }) => code === 0);
  const refused = all.filter(({ code }) => code === 2);
  assert.ok(through.length >= 1 && through.length + refused.length === count, words);
  for (const ended of refused) {
    assertOneLine(
      ended,
      /is being written by process \d+ on \S+ since .*; wait for it, stop it, or give another/,
      words,
    );
    const [, pid, host] = /process (\d+) on (\S+) since/.exec(ended.stderr) ?? [];
    assert.ok(pids.includes(Number(pid)) && host === hostname(), words);
  }
  // Where two went through, one after the other, the second found all done.
  const working = through.filter(({ stdout }) => !/^0 cells to run/m.test(stdout));
  assert.equal(working.length, 1, words);
  assertWhole(bench, out, words);
  assertOnce(out, words);
  assert.ok(!existsSync(lockOf(out)), `${why}: the lock stays`);
  return refused.length;
}

test('two at once, ten times: one is refused, naming the other, or finds all done', async (context) => {
  let refused = 0;
  for (let round = 1; round <= 10; round++) refused += await together(2, bench.fresh(), `round ${round}`);
  context.diagnostic(`${refused} of 10 refused`);
});

test('the lock of a parent that was killed is taken over', { skip: noProc }, async () => {
  const out = bench.fresh();
  const run = begin(bench, out, ['--jobs', '2']);
  await until(() => storedIds(out).size >= 2 || run.over(), 'no results');
  const workers = workersOf(run.pid);
  killed(run.pid);
  await run.ended;
  await gone(workers, 'workers of a killed parent');
  assert.match(readFileSync(lockOf(out), 'utf8'), new RegExp(`"pid":${run.pid},`));
  await goOn(bench, out, { why: 'a killed parent' });
  assertOnce(out, 'a killed parent');
});

describe('five that find a stale lock at the same moment', () => {
  for (let round = 1; round <= 5; round++) {
    test(`one gets it, round ${round}`, async () => {
      const out = locked(round % 2 === 0 ? holder : { ...holder, pid: 2 ** 22 - 1 });
      await together(5, out, `round ${round}`);
    });
  }

  test('one gets it, 200 times, however their steps mix', async (context) => {
    const { faults, taken } = await lockRace(bench.scratch(), { processes: 5, rounds: 200 });
    context.diagnostic(`taken over ${taken} times`);
    assert.deepEqual(faults, []);
    assert.ok(taken >= 50, `taken ${taken} times only`);
  });
});

describe('a lock', { skip: noProc }, () => {
  test('whose process number belongs to another process by now is taken over', async () => {
    const out = locked(holder);
    await goOn(bench, out, { why: 'a number used again' });
    assert.ok(!existsSync(lockOf(out)), 'the lock stays');
  });

  test('of a process that lives is respected, and named', async () => {
    const stat = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const out = locked({ ...holder, process_start: `${stat[19]} ${boot}` });
    const ended = await begin(bench, out).ended;
    assert.equal(ended.code, 2, ended.stdout);
    assertOneLine(ended, new RegExp(`written by process ${process.pid} on ${hostname()} since 2026-01-01T`), 'alive');
    assert.equal(storedIds(out).size, 0);
    rmSync(lockOf(out));
    await goOn(bench, out, { why: 'a holder that gave way' });
  });

  test('of an earlier boot is taken over', async () => {
    const stat = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    const out = locked({ ...holder, process_start: `${stat[19]} 00000000-0000-0000-0000-000000000000` });
    await goOn(bench, out, { why: 'an earlier boot' });
  });

  test('of another machine is respected, and the message says what to do', async () => {
    const out = locked({ ...holder, host: 'another.example' });
    const before = readFileSync(lockOf(out), 'utf8');
    const ended = await begin(bench, out).ended;
    assert.equal(ended.code, 2, ended.stdout);
    assertOneLine(ended, /on another\.example since .*--out; if that process is gone, delete /, 'another machine');
    assert.ok(ended.stderr.includes(`delete ${lockOf(out)}`), ended.stderr);
    assert.equal(readFileSync(lockOf(out), 'utf8'), before);
    rmSync(lockOf(out));
    await goOn(bench, out, { why: 'as the message says' });
  });
});
