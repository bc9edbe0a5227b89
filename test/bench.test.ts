import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PASSES } from '../src/bench/measure.ts';
import { readMeasurement } from '../src/report/bench/read.ts';
import { number, text } from '../src/report/row.ts';
import { clipbench, experimentFile, temporaryFolder } from './support/clipbench.ts';

/** No assertion here is on how long anything took. */
const environment = { ...process.env, CLIPBENCH_BACKEND: 'cpu' };
const small = (more: string) => `question: What does it cost?
processes: 3
samples: 4
sample_ms: 1
${more}`;

test('a bench file is measured in turns, and what is written says the same in every file', {
  timeout: 300_000,
}, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(
    folder,
    small(`measure: clip
backend: cpu
gradients: {entries: [100, 400], tensors: 2}
strategy: [none, {name: value, clip_value: 0.1}, {name: global_norm, max_norm: 1}]
growth: entries
`),
  );
  const out = join(folder, 'out');
  const { code, stdout, stderr } = await clipbench(['bench', file, '--out', out], environment);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /12 variants in 2 groups, 6 processes, one at a time/);
  assert.match(stdout, /value measured twice: ratio .*; each against itself: \d of 4 told apart/);
  assert.match(stdout, /Intervals are of 75 %, from 3 processes/);
  const { record, rows, samples } = readMeasurement(out);
  assert.equal(rows.length, 12);
  // Three processes of four passes of a sample.
  assert.equal(samples.length, 12 * 3 * PASSES);
  const middle = (values: number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
  };
  for (const row of rows) {
    const own = samples.filter(
      ({ group, variant }) => group === text(row, 'group') && variant === text(row, 'variant'),
    );
    const times = [0, 1, 2].map((process) =>
      middle(own.filter((sample) => sample.process === process).map(({ ms }) => ms)),
    );
    const [low, high] = [number(row, 'ms_low') ?? Number.NaN, number(row, 'ms_high') ?? Number.NaN];
    assert.ok(
      Math.abs(low / Math.min(...times) - 1) < 1e-9 && Math.abs(high / Math.max(...times) - 1) < 1e-9,
      text(row, 'variant'),
    );
    assert.ok(own.every(({ calls }) => calls >= 2));
  }
  const value = rows.find((row) => text(row, 'variant') === 'value');
  assert.ok(
    (number(value ?? {}, 'kernels') ?? 0) > 0 &&
      text(value ?? {}, 'backend') === 'cpu' &&
      text(value ?? {}, 'engine') === 'eager',
  );
  assert.deepEqual([record.processes, record.confidence, record.measure], [3, 0.75, 'clip']);
  assert.ok(record.growths.some(({ variant, over }) => variant === 'global_norm' && over === 'entries'));
  // Within a process variants change their order, and passes come in pairs, there and back.
  const order = (process: number, pass: number) => [
    ...new Set(
      samples
        .filter(
          (sample) => sample.process === process && sample.pass === pass && sample.group === '100 entries in 2 tensors',
        )
        .map(({ variant }) => variant),
    ),
  ];
  assert.equal(order(0, 0).length, 6);

  writeFileSync(join(out, 'bench.csv'), readFileSync(join(out, 'bench.csv'), 'utf8').replace(',cpu,', ',native,'));
  assert.throws(() => readMeasurement(out), /bench\.csv: altered since it was measured/);
});

test('steps, whole runs and sweeps are measured too', { timeout: 300_000 }, async (context) => {
  const folder = temporaryFolder(context);
  const cells = `steps: 4
eval_every: 4
batch_size: 4
task: {name: adding, length: 10}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: 0.1}
`;
  const measure = async (more: string) => {
    const file = experimentFile(folder, small(more));
    const out = join(folder, 'out');
    const { code, stderr } = await clipbench(['bench', file, '--out', out], environment);
    assert.equal(code, 0, stderr);
    return readMeasurement(out);
  };
  const step = await measure(`measure: step\n${cells}strategy: [none, {name: norm, max_norm: 1}]\n`);
  const [none, norm] = step.rows;
  assert.deepEqual(
    [text(none ?? {}, 'role'), text(none ?? {}, 'ratio'), text(norm ?? {}, 'role')],
    ['baseline', '', 'variant'],
  );
  assert.ok(
    (number(norm ?? {}, 'ratio_high') ?? 0) > 0 &&
      (number(norm ?? {}, 'kernels') ?? 0) > (number(none ?? {}, 'kernels') ?? Infinity),
  );
  assert.equal(number(norm ?? {}, 'parameters'), 2 * 4 + 4 * 4 + 4 + 4 + 1);
  const training = await measure(`measure: training\n${cells}strategy: none\n`);
  assert.ok((number(training.rows[0] ?? {}, 'peak_mb') ?? 0) > 0);
  const sweep = await measure(`measure: run\n${cells}strategy: none\nseeds: 2\nworkers: [1, 2]\n`);
  assert.deepEqual(
    sweep.rows.map((row) => `${text(row, 'variant')} ${text(row, 'workers')}`),
    ['2 cells, 1 worker 1', '2 cells, 2 workers 2', '2 cells, 1 worker again 1', 'arithmetic '],
  );
});

test('a saved measurement is never written over', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, small('measure: clip\n'));
  const twice = await clipbench(['bench', file, '--save', 'x', '--out', folder]);
  assert.deepEqual([twice.code, /both name a folder/.test(twice.stderr)], [2, true]);
  const odd = await clipbench(['bench', file, '--save', '../x']);
  assert.match(odd.stderr, /can't name a folder/);
  assert.ok(!existsSync('results/bench/x'));
});
