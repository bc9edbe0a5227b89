/** What a report says of the run that it is made from: a smoke test, unfinished, failed in parts, altered since. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Manifest } from '../src/manifest.ts';
import { writeReport } from '../src/report/index.ts';
import { Finding } from '../src/types.ts';
import { assertReport, head, listing, seen } from './support/page.ts';
import { rendered, synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

const folder = await mkdtemp(join(tmpdir(), 'clipbench-report-state-'));
after(() => rm(folder, { recursive: true }));

const one = [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }];
const small: Wanted = { models: [{ name: 'rnn', options: { hidden: [64] } }], rates: [0.5], steps: 30 };
const failure = {
  cell_id: 'feedfacefeedface',
  status: 'failed',
  attempts: '3',
  error: 'boom',
  log: 'cells/logs/x.log',
};

test('a smoke test says so in the title, a banner and the short answer, and compares and draws nothing', async () => {
  const made = synthetic({ ...small, steps: 3, smoke: true });
  const page = await rendered(made);
  assertReport(page, listing);
  assert.match(page, /<title>SMOKE TEST: Does norm clipping/);
  assert.match(
    page,
    /<body>\n<div class="smoke" role="note"><strong>SMOKE TEST<\/strong> of 3 steps, .*mean nothing\./,
  );
  assert.match(head(page), /10 runs of a smoke test: 10 completed and 0 diverged\..* over 1 seed, for 3 steps\./);
  assert.match(
    head(page),
    /This was a smoke test of 3 steps: its figures mean nothing, so there is no verdict and no chart\. Each of its 10 runs finished\./,
  );
  assert.ok(!page.includes('<figure'), 'no chart');
  assert.ok(!/ was (better|worse) than|under Holm|paired seed/.test(seen(page)), 'no verdict');
  const runs = seen(page.slice(page.indexOf('<section id="runs"')));
  assert.match(runs, /Phase smoke, not compared: row_mnist · rnn/);
  for (const { cell_id, strategy } of made.runs) assert.ok(runs.includes(`${cell_id} ${strategy}`), cell_id);
});

test('rows of a smoke test are enough for the label, and so is the manifest', async () => {
  const made = synthetic({ ...small, smoke: true });
  const experiment = { ...made.manifest.experiment, smoke: false };
  const rowsOnly = await rendered({ ...made, manifest: { ...made.manifest, experiment } });
  const manifestOnly = await rendered({ ...made, runs: [], steps: [], evals: [], signals: [] });
  const mixed = synthetic({ ...small, strategies: one });
  const withOthers = await rendered({ ...mixed, runs: [...mixed.runs, ...made.runs] });
  for (const page of [rowsOnly, manifestOnly, withOthers]) {
    assertReport(page, listing);
    assert.ok(page.includes('<title>SMOKE TEST: ') && page.includes('<div class="smoke" role="note">'), 'labelled');
    assert.match(head(page), /This was a smoke test.* no verdict/);
  }
});

test('the label stays in print, where backgrounds may be left out', async () => {
  const page = await rendered(synthetic({ ...small, smoke: true }));
  const print = page.slice(page.indexOf('@media print'));
  assert.match(print, /\.smoke\{position:static;[^}]*background:none;color:inherit;border:/);
});

test('a smoke test in which runs failed says how many and shows why', async () => {
  const page = await rendered(
    synthetic({ ...small, smoke: true, strategies: one, failures: [failure], manifest: { cells: 4 } }),
  );
  assertReport(page, listing);
  assert.match(head(page), /Of its 4 runs, 1 failed \(the errors stand under Runs\) and 1 has not run yet\./);
  assert.ok(seen(page).includes('boom'), 'the error');
});

test('a real run is not labelled a smoke test', async () => {
  const page = await rendered(synthetic({ ...small, strategies: one }));
  assert.ok(!/smoke test/i.test(seen(page)) && !page.includes('role="note"') && !/<title>SMOKE/.test(page), 'no label');
});

test('runs of another phase are listed, not compared', async () => {
  const made = synthetic({ ...small, strategies: one, seeds: [0, 1] });
  const tuning = made.runs.map((row) => ({ ...row, cell_id: `${row.cell_id}0`, phase: 'tune' }));
  const alone = await rendered({ ...made, runs: tuning });
  assertReport(alone, listing);
  assert.match(head(alone), /No run of phase confirm has finished, so nothing is compared or drawn\./);
  const beside = await rendered({ ...made, runs: [...made.runs, ...tuning] });
  assertReport(beside);
  assert.match(head(beside), /4 runs of other phases are listed but not compared\./);
  assert.match(seen(beside), /Phase tune, not compared: row_mnist · rnn/);
});

test('an unfinished run says so beside the overview and under How to reproduce', async () => {
  const page = await rendered(synthetic({ ...small, strategies: one, manifest: { finished: undefined, cells: 20 } }));
  assertReport(page);
  assert.match(head(page), /8 have not run yet\..* Unfinished\. These are the results of an unfinished run/);
  assert.match(head(page), /The run is not finished, so there is no verdict yet\./);
  assert.match(
    seen(page),
    /2025-01-02T03:04:05\.000Z to \(unfinished\) \(UTC\), 2 workers\. These are the results of an unfinished run/,
  );
  assert.ok(!/unfinished/i.test(seen(await rendered(synthetic({ ...small, strategies: one })))), 'a finished run');
});

test('failed runs are listed with their status, attempts, error and log', async () => {
  const failures = [
    failure,
    { cell_id: '0123456789abcdef', status: 'timeout', attempts: '1', error: 'took 61 s', log: 'cells/logs/y.log' },
  ];
  const text = seen(await rendered(synthetic({ ...small, strategies: one, failures })));
  assert.match(
    text,
    /feedfacefeedface failed 3 boom cells\/logs\/x\.log 0123456789abcdef timeout 1 took 61 s cells\/logs\/y\.log/,
  );
});

test('How to reproduce shows what was set, the code, the lockfile, the machine and who computed what', async () => {
  const code = { source: '0123456789abcdef', lockfile_sha256: 'f00d', commit: 'c0ffee', dirty: 'd1d1' };
  const plain = synthetic({ ...small, strategies: one, manifest: { code, computed_by: { [code.source]: 12 } } });
  const text = seen(await rendered(plain));
  assert.match(
    text,
    /source \(src\/\) 0123456789abcdef package-lock\.json f00d commit c0ffee uncommitted changes d1d1 Versions/,
  );
  assert.match(text, /Machine host bench os linux 6\.1\.0 x64 processor Some CPU cores 2 memory gb 16 vector avx2/);
  assert.ok(!text.includes('computed by') && !text.includes('Set on the command line'), 'nothing that is not so');

  const { manifest } = plain;
  const set = { 'optimizer.learning_rate': '[0.1, 0.5]', seeds: '6' };
  const changed: Manifest = {
    ...manifest,
    experiment: { ...manifest.experiment, set },
    code: { source: code.source, lockfile_sha256: '' },
    computed_by: { [code.source]: 10, fedcba9876543210: 2 },
  };
  const other = seen(await rendered({ ...plain, manifest: changed }));
  assert.match(other, /Set on the command line, .* optimizer\.learning_rate \[0\.1, 0\.5\] seeds 6 The file:/);
  assert.match(
    other,
    /source \(src\/\) 0123456789abcdef package-lock\.json not there commit not a git checkout The runs/,
  );
  assert.match(other, /computed by several versions of the code, .* 0123456789abcdef 10 runs fedcba9876543210 2 runs/);
  const older = { ...changed, computed_by: { fedcba9876543210: 12 } };
  assert.match(seen(await rendered({ ...plain, manifest: older })), /computed by another version of the code/);
});

test('a CSV file that is not the one collected is refused, with its name and what to do', async () => {
  const made = synthetic({ ...small, strategies: one, seeds: [0] });
  const place = join(folder, 'altered');
  const refused = async (file: string, fault: RegExp) =>
    assert.rejects(writeReport(place), (error: Error) => {
      assert.ok(error instanceof Finding, String(error));
      assert.ok(error.message.startsWith(`${join(place, file)}: `), error.message);
      assert.ok(error.message.includes(`; \`clipbench collect ${place}\` writes it anew`), error.message);
      assert.match(error.message, fault);
      assert.ok(!error.message.includes('\n'), 'one line');
      return true;
    });
  for (const file of ['runs.csv', 'steps.csv', 'evals.csv', 'signals.csv', 'failures.csv']) {
    const path = join(await writeSynthetic(place, made), file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/[a-z]/, 'X'));
    await refused(file, /altered since it was collected \(same size, other content\)/);
    await writeFile(path, `${text}\n`);
    await refused(file, /altered since it was collected \(\d+ bytes, not \d+\)/);
    await rm(path);
    await refused(file, /is missing, though it was collected/);
  }
  assert.ok(!existsSync(join(place, 'report.html')), 'no report of altered files');
  await writeReport(await writeSynthetic(place, made));
});

test('a manifest that lists no files is accepted', async () => {
  const made = synthetic({ ...small, strategies: one, seeds: [0] });
  const place = await writeSynthetic(join(folder, 'unlisted'), made);
  await writeFile(join(place, 'manifest.json'), JSON.stringify({ ...made.manifest, files: {} }));
  assert.equal(await readFile(await writeReport(place), 'utf8'), await rendered(made));
});
