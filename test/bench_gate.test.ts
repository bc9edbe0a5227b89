import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Gate, gateBetween } from '../src/bench/gate.ts';
import { gateMarkdown, gateText } from '../src/bench/gate_text.ts';
import { UsageError } from '../src/types.ts';
import { clipbench, temporaryFolder } from './support/clipbench.ts';
import { measured, type WantedMeasurement, writeMeasurement } from './support/measurement.ts';
import { calm, type Machine, rough, timed } from './support/timings.ts';

const base = { none: 2, norm: 2.2, copy: 1, arithmetic: 5 };
const studies = Array.from({ length: 100 }, (_, i) => i);
const verdictOf = (gate: Gate, variant = 'norm') => gate.judged.find((one) => one.variant === variant)?.verdict;

/** Of 100 comparisons, how many find norm slower where it takes so many times as long. */
const slower = (factor: number, machine: Machine) =>
  studies.filter((i) => {
    const before = timed(base, machine, `${i} before`);
    const after = timed({ ...base, norm: factor * base.norm }, machine, `${i} after`);
    return verdictOf(gateBetween(before, after)) === 'slower';
  }).length;

for (const [name, machine] of Object.entries({ calm, rough })) {
  for (const processes of [5, 6, 10]) {
    test(`two alike are flagged in 5 of 100 comparisons at most, on a ${name} machine with ${processes} processes`, () => {
      const found = slower(1, { ...machine, processes });
      assert.ok(found <= 5, `${found} of 100`);
    });
  }
}

test('a slow-down of 20 % is flagged in 95 of 100 comparisons or more', () => {
  // Five processes are enough where the machine is calm, six where it isn't.
  for (const machine of [
    { ...calm, processes: 5 },
    calm,
    { ...calm, processes: 10 },
    rough,
    { ...rough, processes: 10 },
  ]) {
    const found = slower(1.2, machine);
    assert.ok(found >= 95, `${found} of 100 by ${machine.processes} processes`);
  }
});

test('a speed-up is one, and what is 5 % slower is no regression however sure it is', () => {
  const before = timed(base, calm, 'before');
  assert.equal(verdictOf(gateBetween(before, timed({ ...base, norm: 1.5 }, calm, 'after'))), 'faster');
  const still = { ...calm, spread: { process: 1e-4, sample: 1e-4 }, outliers: { chance: 0, factor: 1 } };
  const [a, b] = [timed(base, still, 'a'), timed({ ...base, norm: 1.05 * base.norm }, still, 'b')];
  const { p, ratio, verdict } = gateBetween(a, b).judged.find(({ variant }) => variant === 'norm') ?? assert.fail();
  assert.deepEqual([verdict, p <= 0.01, ratio.low > 1], ['no change', true, true]);
});

test('noise that the twins show is asked to be passed', () => {
  const [before, after] = [timed(base, calm, 'a'), timed({ ...base, norm: 1.2 * base.norm }, calm, 'b')];
  assert.equal(verdictOf(gateBetween(before, after)), 'slower');
  const [calibration = assert.fail()] = after.record.calibrations;
  const loud = { ...calibration, itself: { ...calibration.itself, noise: 1.25 } };
  const noisy = { ...after, record: { ...after.record, calibrations: [loud] } };
  assert.equal(verdictOf(gateBetween(before, noisy)), 'no change');
});

test('with fewer than five processes nothing can be told, and it says how many it takes', () => {
  const few = { ...calm, processes: 4 };
  const gate = gateBetween(timed(base, few, 'a'), timed({ ...base, norm: 10 }, few, 'b'));
  assert.ok(gate.judged.every(({ verdict }) => verdict === "can't tell"));
  assert.match(
    gateText(gate),
    /4 and 4 processes reach p 0\.029 at the smallest, and it takes 0\.01; five each are enough/,
  );
});

test('where work that is none of ours changed its speed, the machine did, and no verdict is given', () => {
  const gate = gateBetween(
    timed(base, calm, 'a'),
    timed({ none: 2.6, norm: 2.9, copy: 1, arithmetic: 6.5 }, calm, 'b'),
  );
  assert.ok(gate.judged.every(({ verdict }) => verdict === "can't tell"));
  assert.match(
    gateText(gate),
    /arithmetic, which is none of clipbench, became slower by a factor of 1\.[23]\d: the machine isn't what it was/,
  );
});

test('what only one of the two measured is named', () => {
  const gate = gateBetween(timed(base, calm, 'a'), timed({ none: 2, value: 2, copy: 1, arithmetic: 5 }, calm, 'b'));
  assert.deepEqual(gate.lacking, ["norm (mnist · mlp) isn't there after", "value (mnist · mlp) isn't there before"]);
  assert.deepEqual(
    gate.judged.map(({ variant }) => variant),
    ['none'],
  );
});

test('measurements of different machines, or of different things, are refused with what differs', () => {
  const before = timed(base, calm, 'a');
  const other = (more: Partial<(typeof before)['record']>) => ({ ...before, record: { ...before.record, ...more } });
  const refused = (after: typeof before, message: RegExp) =>
    assert.throws(
      () => gateBetween(before, after),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  const { machine } = before.record;
  refused(
    other({ machine: { ...machine, cpu: 'Other', cores: 8 } }),
    /different machines \(cpu Example 9000 and Other; cores 4 and 8\).*measure both on one/,
  );
  refused(other({ measure: 'run' }), /one measured step, the other run/);
  const newer = gateBetween(before, other({ versions: { ...before.record.versions, tfjs: '5.0.0' } }));
  assert.deepEqual(newer.differences, ['tfjs: 4.22.0 before, 5.0.0 after']);
});

const wanted = (ms: number): WantedMeasurement => ({
  groups: [
    {
      name: 'mnist · mlp',
      variants: [
        { name: 'none', ms: 2, role: 'baseline' },
        { name: 'value', ms: 2.1 },
        { name: 'global_norm', ms },
      ],
    },
  ],
});

test('the command exits with 1 for a regression, and writes what a pull request shows', async (context) => {
  const folder = temporaryFolder(context);
  const before = await writeMeasurement(join(folder, 'before'), measured(wanted(2.5)));
  const after = await writeMeasurement(
    join(folder, 'after'),
    measured({ ...wanted(3.2), record: { clipbench: '0.2.0' } }),
  );
  const slow = await clipbench(['bench', 'compare', before, after, '--format', 'markdown']);
  assert.equal(slow.code, 1, slow.stderr);
  assertGolden('bench_gate.md', slow.stdout);
  const text = await clipbench(['bench', 'compare', before, after]);
  assertGolden('bench_gate.txt', text.stdout);
  const same = await clipbench(['bench', 'compare', before, before, '--format', 'json']);
  assert.equal(same.code, 0);
  const { judged }: Gate = JSON.parse(same.stdout);
  assert.deepEqual(
    judged.map(({ verdict }) => verdict),
    ['no change', 'no change', 'no change'],
  );
  const none = await clipbench(['bench', 'compare', before, folder]);
  assert.deepEqual([none.code, /bench\.json: not found/.test(none.stderr)], [2, true]);
});

test('a bar in a name ends no cell of the table', () => {
  const gate = gateBetween(timed({ ...base, 'a|b': 1 }, calm, 'a'), timed({ ...base, 'a|b': 1 }, calm, 'b'));
  assert.match(gateMarkdown(gate), /\| a\\\|b \|/);
});

/** A failure leaves what it is now beside it. */
function assertGolden(name: string, now: string): void {
  const path = fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
  const changed = path.replace(/(\.\w+)$/, '-changed$1');
  rmSync(changed, { force: true });
  const expected = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (now !== expected) writeFileSync(changed, now);
  assert.equal(now, expected);
}
