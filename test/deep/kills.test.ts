/** kill -9, hundreds of times: at every write of the parent and of a worker, and at random moments. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import {
  assertOnce,
  assertWhole,
  begin,
  descendants,
  doneAlready,
  gone,
  goOn,
  killed,
  noProc,
  type Running,
  reap,
  resultRecords,
  storedIds,
  toyBench,
  toyCells,
  withWriteFault,
  workersOf,
} from '../support/faults.ts';

const seed = process.env.CLIPBENCH_TEST_SEED ?? String(Date.now() % 1_000_000);
const named = (what: string) => `${what} (CLIPBENCH_TEST_SEED=${seed})`;

const kills = { parent: 0, worker: 0 };
const bench = await toyBench({ after });
after(reap);

describe('kill -9', { concurrency: 2, skip: noProc }, () => {
  test('of the parent at each of its writes, one after the other, from the lock to the last line', async () => {
    const out = bench.fresh();
    const fault = withWriteFault(bench.scratch(), { who: 'parent', what: 'kill', out });
    for (let write = 1; ; write++) {
      const stored = storedIds(out);
      const run = begin(bench, out, ['--jobs', '1'], fault.env);
      const family = await familyOf(run);
      const { code, stdout, stderr } = await run.ended;
      const why = `write ${write}: ${stdout}${stderr}`;
      await gone(family, why);
      assertKept(stored, out, why);
      if (code === 0) break;
      assert.equal(run.child.signalCode, 'SIGKILL', why);
      assert.equal(doneAlready(stdout) ?? stored.size, stored.size, why);
      assert.equal(fault.met(), write, why);
      kills.parent += 1;
    }
    assertWhole(bench, out, 'after the last write');
    assertOnce(out, 'after the last write');
    assert.ok(fault.met() > 20, `${fault.met()} writes only`);
  });

  test('of a worker at each of its writes: no result is lost, none is altered', async () => {
    const out = bench.fresh();
    const fault = withWriteFault(bench.scratch(), { who: 'worker', what: 'kill', out });
    const { code, stdout, stderr } = await begin(bench, out, ['--jobs', '1', '--retries', '1000'], fault.env).ended;
    assert.equal(code, 0, `${stdout}${stderr}`);
    kills.worker += fault.met();
    assertWholeThoughKilled(out, 'at every write');
    assert.ok(fault.met() > 10, `${fault.met()} writes only`);
  });

  for (const jobs of [1, 2, 3]) {
    test(`of the parent at random moments, ${jobs} jobs`, async () => {
      const random = seedrandom(`${seed} parent ${jobs}`);
      for (let count = 0; count < 20; ) {
        const out = bench.fresh();
        let over = false;
        while (!over) {
          const stored = storedIds(out);
          const run = begin(bench, out, ['--jobs', String(jobs)]);
          await parentMoment(run, out, random);
          const family = descendants(run.pid);
          const hit = !run.over() && killed(run.pid);
          const { code, stdout, stderr } = await run.ended;
          const why = named(`kill ${count}: ${stdout}${stderr}`);
          await gone(family, why);
          assertKept(stored, out, why);
          assert.equal(doneAlready(stdout) ?? stored.size, stored.size, why);
          over = !hit || run.child.signalCode !== 'SIGKILL';
          if (over) assert.equal(code, 0, why);
          else count += 1;
          kills.parent += over ? 0 : 1;
          if (count % 12 === 0 && !over) break; // not for ever at the end of the same folder
        }
        await goOn(bench, out, { why: named('in peace') });
        assertOnce(out, named('in peace'));
      }
    });

    test(`of workers at random moments, ${jobs} jobs`, async () => {
      const random = seedrandom(`${seed} worker ${jobs}`);
      for (let count = 0; count < 30; ) {
        const out = bench.fresh();
        for (let over = false; !over; ) {
          const run = begin(bench, out, ['--jobs', String(jobs), '--retries', '1000']);
          while (!run.over() && count < 30) {
            await workerMoment(run, out, random);
            const workers = workersOf(run.pid);
            const worker = workers[Math.floor(random() * workers.length)];
            const hit = worker !== undefined && killed(worker);
            count += hit ? 1 : 0;
            kills.worker += hit ? 1 : 0;
          }
          const { code, stdout, stderr } = await run.ended;
          over = code === 0;
          // Three in a row that were killed while they started.
          if (!over) assert.match(stderr, /a worker ended with SIGKILL while starting.*; 3 in a row/, named(stdout));
        }
        assertWholeThoughKilled(out, named('workers'));
      }
    });
  }

  test('of a parent, and the same command at once, while its workers still end', async () => {
    const random = seedrandom(`${seed} at once`);
    const out = bench.fresh();
    for (let count = 0; count < 12; count++) {
      const stored = storedIds(out);
      const run = begin(bench, out, ['--jobs', '2']);
      await parentMoment(run, out, random);
      if (!run.over() && killed(run.pid)) kills.parent += 1;
      assertKept(stored, out, named(`kill ${count}`));
    }
    const { code, stdout, stderr } = await begin(bench, out, ['--jobs', '2']).ended;
    assert.equal(code, 0, named(`${stdout}${stderr}`));
    assertWholeThoughKilled(out, named('at once'));
  });
});

test('that was at least 200 kills', { skip: noProc }, (context) => {
  context.diagnostic(`${kills.parent} parents, ${kills.worker} workers; CLIPBENCH_TEST_SEED=${seed}`);
  assert.ok(kills.parent + kills.worker >= 200, `${kills.parent} parents and ${kills.worker} workers only`);
});

/** While it starts, at work, or while it collects. */
async function parentMoment(run: Running, out: string, random: () => number): Promise<void> {
  const [kind, extent] = [random(), random()];
  if (kind < 0.2) return void (await sleep(extent * 1500));
  const want = Math.min(toyCells, storedIds(out).size + 1 + Math.floor(random() * 12));
  const reached = () => storedIds(out).size >= (kind < 0.8 ? want : toyCells) && run.said().includes('done already');
  while (!run.over() && !reached()) await sleep(5);
  await sleep(extent * (kind < 0.8 ? 60 : 120));
}

/** At any time, starting included, or after a few results more. */
async function workerMoment(run: Running, out: string, random: () => number): Promise<void> {
  const [kind, extent] = [random(), random()];
  if (kind < 0.5) return void (await sleep(extent * 900));
  const want = storedIds(out).size + 1 + Math.floor(random() * 3);
  while (!run.over() && storedIds(out).size < Math.min(want, toyCells)) await sleep(5);
  await sleep(extent * 60);
}

/** All processes that it starts, as far as they are seen. */
async function familyOf(run: Running): Promise<number[]> {
  const family = new Set<number>();
  while (!run.over()) {
    for (const pid of descendants(run.pid)) family.add(pid);
    await sleep(10);
  }
  return [...family];
}

function assertKept(stored: Set<string>, out: string, why: string): void {
  const now = storedIds(out);
  assert.deepEqual(
    [...stored].filter((id) => !now.has(id)),
    [],
    `${why}: lost`,
  );
}

/** A worker may be killed between a record and the word of it: the cell is then run again, to the same bytes. */
function assertWholeThoughKilled(out: string, why: string): void {
  assertWhole(bench, out, why);
  const texts = new Set(resultRecords(out).map(({ cell_id, sha256 }) => `${cell_id} ${sha256}`));
  assert.equal(texts.size, toyCells, `${why}: ${[...texts]}`);
}
