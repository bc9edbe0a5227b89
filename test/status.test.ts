import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NUMERICS_VERSION } from '../src/matrix/identity.ts';
import { planOf } from '../src/run/plan.ts';
import { clipbench, experimentFile, start, temporaryFolder } from './support/clipbench.ts';
import { withFault } from './support/faults.ts';

const matrix = `question: How far is it?
seeds: 4
steps: 4
batch_size: 4
eval_every: 4
task: {name: adding, length: 20}
model: {name: mlp, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: 0.1}
gradient_scale: [1, 1e+30]
strategy: none
`;

test('status counts done, diverged, failed, in hand and left; explain says what a run is', {
  timeout: 300_000,
}, async (context) => {
  process.env.CLIPBENCH_BACKEND = 'cpu';
  const folder = temporaryFolder(context);
  const [file, out] = [experimentFile(folder, matrix), join(folder, 'out')];
  const nothing = await clipbench(['status', out]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /out: holds no stored runs; give the results folder/);

  const words = ['run', file, '--out', out, '--jobs', '1', '--retries', '0', '--timeout', '10m'];
  const failed = await clipbench(
    [...words, '--filter', 'seed=0'],
    withFault(folder, { kind: 'exit', seed: 0, times: 1 }),
  );
  assert.equal(failed.code, 3);
  const status = async () => JSON.parse((await clipbench(['status', out, '--json'])).stdout);
  assert.match((await clipbench(['status', out])).stdout, /done what was selected; 6 cells were not/);
  const { completed, diverged, failed: lost, timeout, left, cells, run } = await status();
  assert.deepEqual([completed, diverged, lost, timeout, left, cells, run], [0, 1, 1, 0, 6, 8, undefined]);

  // The last cell hangs, so there is something to see.
  const { child, ended } = start(words, withFault(folder, { kind: 'hang', seed: 3, times: 1 }));
  let seen = await status();
  while (seen.left > 4 || seen.in_hand.length === 0) {
    await sleep(100);
    seen = await status();
  }
  assert.equal(seen.run.pid, child.pid);
  assert.ok(seen.eta_seconds > 0, String(seen.eta_seconds));
  const shown = await clipbench(['status', out]);
  assert.match(shown.stdout, /running, about 0:\d\d to go/);
  assert.match(shown.stdout, new RegExp(`process ${child.pid} on .*: clipbench run`));
  assert.match(shown.stdout, /w1 {2}cell [0-9a-f]{16} {2}since 20/);
  child.kill('SIGKILL');
  await ended;
  assert.match(
    (await clipbench(['status', out])).stdout,
    /stopped; the same command goes on; with --retry 'failed\|timeout' it tries again what failed/,
  );
  assert.equal((await clipbench([...words, '--retry', 'failed'])).code, 0);
  assert.match((await clipbench(['status', out])).stdout, /8 +4 +4 +0 +0 +0 +done/);

  const [, row = ''] = readFileSync(join(out, 'runs.csv'), 'utf8').split('\n');
  const cell_id = row.slice(0, 16);
  const explained = await clipbench(['explain', 'run', cell_id.slice(0, 8), out]);
  assert.equal(explained.code, 0, explained.stderr);
  assert.match(explained.stdout, new RegExp(`cell_id +${cell_id}`));
  assert.match(explained.stdout, new RegExp(`\\{"cell":\\{.*\\},"numerics_version":${NUMERICS_VERSION}\\}`));
  assert.match(explained.stdout, /task\.options\.length +20/);
  assert.match((await clipbench(['explain', 'run', 'zz', out])).stderr, /"zz" is no cell id; give at least 4/);
  assert.match((await clipbench(['explain', 'run', '0123456789abcdef', out])).stderr, /no stored run has the id/);
});

test('a finished run is known in a moment, and looked at again when anything was touched', async (context) => {
  process.env.CLIPBENCH_BACKEND = 'cpu';
  const folder = temporaryFolder(context);
  const [file, out] = [experimentFile(folder, matrix), join(folder, 'out')];
  const run = async (...words: string[]) => (await clipbench(['run', file, '--out', out, ...words])).stdout;
  assert.match(await run(), /8 cells to run/);
  assert.match(await run(), /nothing was touched since/);
  assert.match(
    await run('--set', 'steps=4'),
    /held the results of another matrix \(an earlier .*small\.yaml\)[\s\S]*backend: cpu/,
  );
  await run();
  for (const lost of ['segments', planOf(out).fingerprint]) {
    rmSync(join(out, 'cells', lost), { recursive: true });
    assert.match(await run(), /8 cells to run, 0 done already/, lost);
  }
  const before = readFileSync(join(out, 'steps.csv'), 'utf8');
  appendFileSync(join(out, 'steps.csv'), 'a row that nobody ran\n');
  assert.match((await clipbench(['report', out])).stderr, /steps\.csv: altered since it was collected/);
  assert.match(await run(), /0 cells to run, 8 done already; \d jobs/);
  assert.equal(readFileSync(join(out, 'steps.csv'), 'utf8'), before);
  assert.ok(existsSync(join(out, 'cells', 'finished.json')), 'the mark is back');
});
