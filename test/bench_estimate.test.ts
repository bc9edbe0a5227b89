import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBench } from '../src/bench/bench_file.ts';
import { calibrationOf, confidenceOf, itselfOf, ratiosOf, timesOf, typical, verdictOf } from '../src/bench/estimate.ts';
import { growthsOf, slope } from '../src/bench/growth.ts';
import { warningsOf } from '../src/bench/machine.ts';
import { orderOf } from '../src/bench/order.ts';
import { benchRows, sampleRows } from '../src/bench/rows.ts';
import type { Turn } from '../src/bench/variant.ts';

const close = (found: number | undefined, expected: number, tolerance = 1e-12) =>
  assert.ok(
    Math.abs((found ?? Number.NaN) - expected) <= tolerance * Math.abs(expected),
    `${found} is not ${expected}`,
  );

/** Turns of variants with these ms, by process and pass. */
const turnsOf = (
  group: string,
  ms: Record<string, (process: number, pass: number) => number[]>,
  processes = 6,
): Turn[] =>
  Object.entries(ms).flatMap(([variant, of]) =>
    Array.from({ length: processes }, (_, process) =>
      [0, 1, 2, 3].map((pass) => ({ group, variant, process, pass, calls: 10, ms: of(process, pass) })),
    ).flat(),
  );

test('a process is the unit: its samples make one time, by their median', () => {
  const turns = turnsOf('g', { a: (process, pass) => [process + 1, pass === 3 ? 100 : process + 1] }, 3);
  assert.deepEqual(timesOf(turns, 'a'), [1, 2, 3]);
  const { estimate, low, high } = typical([1, 10, 100]);
  close(estimate, 10);
  assert.ok(low <= 10 && 10 <= high);
  assert.deepEqual([3, 5, 6, 20].map(confidenceOf), [0.75, 0.9375, 0.95, 0.95]);
});

test('what drifts evenly, there and back, is no difference', () => {
  // b always comes after a on the way there and before it on the way back, and everything gets slower.
  const at = (turn: number) => [Math.exp(0.1 * turn)];
  const turns = turnsOf('g', {
    a: (_, pass) => at([0, 3, 4, 7][pass] ?? 0),
    b: (_, pass) => at([1, 2, 5, 6][pass] ?? 0),
  });
  for (const ratio of ratiosOf(turns, 'b', 'a')) close(ratio, 1);
  for (const ratio of itselfOf(turns, 'a')) close(ratio, 1);
});

test('a factor is found whatever the speed of each process', () => {
  const speed = [1, 3, 0.5, 2, 8, 1.5];
  const turns = turnsOf('g', { a: (process) => [speed[process] ?? 1], b: (process) => [1.2 * (speed[process] ?? 1)] });
  const ratio = typical(ratiosOf(turns, 'b', 'a'));
  close(ratio.estimate, 1.2);
  assert.equal(verdictOf(ratio, 1.1), 'slower');
  assert.equal(verdictOf(ratio, 1.25), 'not told apart');
  assert.equal(verdictOf({ estimate: 0.5, low: 0.4, high: 0.6 }, 1.1), 'faster');
});

test('every pass takes another order, and every second one the same backwards', () => {
  const passes = orderOf(5, 4, 0, 'g', 0);
  assert.equal(passes.length, 4);
  for (const pass of passes) assert.deepEqual([...pass].sort(), [0, 1, 2, 3, 4]);
  assert.deepEqual(passes[1], passes[0]?.toReversed());
  assert.deepEqual(passes[3], passes[2]?.toReversed());
  assert.deepEqual(orderOf(5, 4, 0, 'g', 0), passes, 'the seed decides');
  assert.notDeepEqual(orderOf(20, 2, 0, 'g', 1), orderOf(20, 2, 0, 'g', 0));
  assert.notDeepEqual(orderOf(20, 2, 1, 'g', 0), orderOf(20, 2, 0, 'g', 0));
});

const bench = parseBench(
  `question: What does clipping cost?
measure: clip
gradients: {entries: [1000, 10000, 100000], tensors: 1}
strategy: [none, {name: value, clip_value: 0.1}]
growth: entries
`,
  'x.yaml',
);
/** value takes 1 us and 1 ns an entry, copying 0.1 ns an entry. */
const all = bench.groups.flatMap((group) => {
  const entries = Number(group.variants[0]?.facts.entries);
  const [value, copy] = [1e-3 + 1e-6 * entries, 1e-7 * entries];
  const constant = (ms: number) => () => [ms, ms];
  return turnsOf(group.name, {
    none: constant(1e-3),
    value: constant(value),
    'value again': constant(value),
    copy: constant(copy),
    arithmetic: constant(1),
  });
});

test('growth is the slope between logarithms, over the whole range and over its last decade', () => {
  close(
    slope([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
    2,
  );
  const found = growthsOf(bench, all).map(({ variant, from, to, points, estimate }) => ({
    variant,
    from,
    to,
    points,
    estimate,
  }));
  assert.deepEqual(
    found.map(({ variant, from, points }) => `${variant} ${from} ${points}`),
    ['none 1000 3', 'none 10000 2', 'value 1000 3', 'value 10000 2', 'copy 1000 3', 'copy 10000 2'],
  );
  close(found[4]?.estimate, 1);
  // From 2, 11, 101 us.
  close(found[2]?.estimate, Math.log10(101 / 2) / 2);
  close(found[3]?.estimate, Math.log10(101 / 11));
});

test('bench.csv says times, ratios, shares of copying, and rates; none moves nothing', () => {
  const measured = new Map(
    bench.groups.map(({ name }) => [
      name,
      { footprints: { value: { kernels: 3, allocated_mb: 1 } }, backend: 'native', engine: 'compiled' },
    ]),
  );
  const calibrations = bench.groups.map((group) => calibrationOf(group, all));
  const rows = benchRows(bench, all, measured, calibrations);
  assert.equal(rows.length, 3 * 5);
  const row = (variant: string) =>
    rows.find((one) => one.variant === variant && one.entries === 100000) ?? assert.fail();
  const value = row('value');
  close(Number(value.ms), 0.101);
  close(Number(value.ratio), 10.1, 1e-9);
  close(Number(value.copy_share), 1 / 10.1, 1e-9);
  close(Number(value.gb_per_second), (8 * 1e5) / 0.101e-3 / 1e9, 1e-9);
  assert.deepEqual([value.kernels, value.processes, value.samples, value.role], [3, 6, 48, 'variant']);
  assert.deepEqual([row('none').gb_per_second, row('none').copy_share], [undefined, undefined]);
  assert.deepEqual([row('copy').ratio, row('copy').role], [undefined, 'reference']);
  assert.equal(row('value again').kernels, undefined);
  assert.equal(sampleRows(all).length, 3 * 5 * 6 * 4 * 2);
  assert.deepEqual([calibrations[0]?.again.estimate, calibrations[0]?.itself.flagged], [1, 0]);
});

test('a machine that was busy, shared, or free to move is said to be', () => {
  const machine = {
    platform: 'linux',
    cpu: 'x',
    cores: 4,
    memory_gb: 8,
    governor: 'performance',
    vector: '',
    pinned: true,
  };
  const calm = { load_before: 0.1, load_after: 1.1, free_memory_gb: 4, stolen: 0, switches_per_second: 1 };
  assert.deepEqual(warningsOf(machine, calm), []);
  const said = warningsOf(
    { ...machine, governor: 'powersave', pinned: false },
    { ...calm, load_before: 2, load_after: 4, stolen: 0.2 },
  );
  assert.equal(said.length, 5);
  assert.match(
    said.join(' '),
    /busy before it began \(load 2\.00\).*gave 20\.0 % of the time.*free to move.*governor powersave/,
  );
});
