/**
 * `npm run bench:selfcheck`: does `clipbench bench` measure what is known, on this machine, now? Work of known size has to come out within
 * 5 %; of pairs of real measurements between which some work grew by 20 %, `bench compare` has to flag 95 of 100, and of those between which
 * nothing changed 5 of 100 at most. About ten minutes; leave the machine alone. Exit code 1 where one of these doesn't hold.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBench, writeBench } from '../src/bench/bench.ts';
import { gateBetween } from '../src/bench/gate.ts';
import type { Bench, Variant, Work } from '../src/bench/variant.ts';
import { type Measurement, readMeasurement } from '../src/report/bench/read.ts';
import { number, text } from '../src/report/row.ts';

/** Pairs of measurements, and in each so many works that change and as many that don't. */
const [PAIRS, WORKS] = [10, 10];
const SLOW = 1.2;

const work = (name: string, work: Work): Variant => ({ name, role: 'variant', work, facts: {} });
const arithmetic = (sums: number): Work => ({ kind: 'arithmetic', sums: Math.round(sums) });
/** The same floats again and again: so many times as much work, whatever caches hold. */
const copy = (entries: number, times = 1): Work => ({ kind: 'copy', entries, times });

async function measure(seed: number, variants: Variant[]): Promise<Measurement> {
  const [first = work('none', arithmetic(1e5))] = variants;
  const bench: Bench = {
    file: 'scripts/selfcheck.ts',
    text: '',
    question: 'Does the bench measure what is known?',
    measure: 'clip',
    processes: 6,
    samples: 8,
    sample_ms: 10,
    seed,
    groups: [
      {
        name: 'known work',
        backend: 'auto',
        engine: 'eager',
        numerics: 'repro',
        baseline: first.name,
        again: { variant: first.name, twin: 'again' },
        variants: [
          { ...first, role: 'baseline' },
          ...variants.slice(1),
          { ...first, name: 'again', role: 'again' },
          { ...work('copy', copy(1e6)), role: 'reference' },
          { ...work('arithmetic', arithmetic(1e6)), role: 'reference' },
        ],
        alone: false,
      },
    ],
    notes: [],
  };
  const folder = mkdtempSync(join(tmpdir(), 'clipbench-selfcheck-'));
  try {
    const watch = { command: 'npm run bench:selfcheck', signal: new AbortController().signal, onProcess() {} };
    writeBench(folder, await runBench(bench, watch));
    return readMeasurement(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const faults: string[] = [];
const check = (holds: boolean, line: string) => {
  say(`${holds ? 'good' : 'MISSED'}  ${line}`);
  if (!holds) faults.push(line);
};

const known = await measure(0, [
  work('1e5 sums', arithmetic(1e5)),
  work('3e5 sums', arithmetic(3e5)),
  // Twice as many floats are not twice the work where caches end, the same ones three times are.
  work('4M floats copied', copy(4e6)),
  work('4M floats copied three times', copy(4e6, 3)),
  work('2 ms asleep', { kind: 'sleep', ms: 2 }),
  work('7 ms asleep', { kind: 'sleep', ms: 7 }),
]);
for (const note of known.record.notes) say(`note: ${note}`);
const ms = (name: string) => number(known.rows.find((row) => text(row, 'variant') === name) ?? {}, 'ms') ?? Number.NaN;
const within = (what: string, found: number, expected: number) =>
  check(Math.abs(found / expected - 1) <= 0.05, `${what}: ${found.toFixed(3)} for ${expected}`);
within('times as long for three times the sums', ms('3e5 sums') / ms('1e5 sums'), 3);
within('times as long to copy three times', ms('4M floats copied three times') / ms('4M floats copied'), 3);
within('ms more for 5 ms more asleep', ms('7 ms asleep') - ms('2 ms asleep'), 5);
within('ms for 7 ms asleep', ms('7 ms asleep'), 7);

const flagged = { slowed: 0, alike: 0 };
for (let pair = 0; pair < PAIRS; pair++) {
  const works = (factor: number) =>
    Array.from({ length: WORKS }, (_, i) => {
      const own = (by: number) => (i % 2 === 0 ? arithmetic(by * (2e4 + 1e4 * i)) : copy(1e5 + 2e5 * i, 5 * by));
      return [work(`alike ${i}`, own(1)), work(`slowed ${i}`, own(factor))];
    }).flat();
  const gate = gateBetween(await measure(2 * pair + 1, works(1)), await measure(2 * pair + 2, works(SLOW)));
  const slower = gate.judged.filter(({ verdict }) => verdict === 'slower');
  flagged.slowed += slower.filter(({ variant }) => variant.startsWith('slowed')).length;
  flagged.alike += gate.judged.filter(
    ({ variant, verdict }) => variant.startsWith('alike') && (verdict === 'slower' || verdict === 'faster'),
  ).length;
  for (const { variant, ratio, noise, verdict } of gate.judged) {
    if (variant.startsWith('slowed') && verdict !== 'slower')
      say(
        `missed: ${variant}, ${ratio.estimate.toFixed(3)} (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}), noise ${noise.toFixed(3)}`,
      );
  }
  for (const why of new Set(gate.judged.flatMap(({ why: own }) => own ?? []))) say(`note: ${why}`);
  say(`pair ${pair + 1} of ${PAIRS}: ${slower.length} flagged`);
}
const n = PAIRS * WORKS;
check(flagged.slowed >= 0.95 * n, `slowed by 20 %: ${flagged.slowed} of ${n} flagged`);
check(flagged.alike <= 0.05 * n, `alike: ${flagged.alike} of ${n} flagged`);
process.exitCode = faults.length > 0 ? 1 : 0;
