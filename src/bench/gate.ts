/**
 * Two measurements, before and after: what became slower? A variant did only where three things hold at once: the typical ratio is FACTOR
 * or more, an exact test finds the two apart, and the whole interval lies beyond the noise of either. Pure.
 */
import type { BenchRecord, Machine } from '../bench_record.ts';
import type { Measurement, Sample } from '../report/bench/read.ts';
import { text } from '../report/row.ts';
import { mannWhitney, shiftBetween, smallestMannWhitneyP } from '../stats/mann-whitney.ts';
import { median } from '../stats/quantile.ts';
import { wilson } from '../stats/wilson.ts';
import { UsageError } from '../types.ts';
import type { Interval } from './estimate.ts';

/** Less is not worth a red mark, whatever the evidence. */
export const FACTOR = 1.1;
/** Chance of finding two alike apart by the test alone; with five processes and five it can be reached (2 of 252). */
export const LEVEL = 0.01;

export type Verdict = 'slower' | 'faster' | 'no change' | "can't tell";

export interface Judged {
  group: string;
  variant: string;
  /** Typical ms of a call. */
  before: number;
  after: number;
  ratio: Interval;
  p: number;
  /** Beyond this factor lies what the same thing measured twice doesn't reach. */
  noise: number;
  verdict: Verdict;
  /** Of a verdict that can't be given. */
  why?: string;
}

export interface Gate {
  /** What differs between the two beside their times: versions, settings. */
  differences: string[];
  judged: Judged[];
  /** The same variant twice within one measurement, through the same gate. */
  twins: { pairs: number; flagged: number; rate: { low: number; high: number } };
  /** Variants that only one of the two has. */
  lacking: string[];
}

/** @throws UsageError where the two can't be compared */
export function gateBetween(before: Measurement, after: Measurement): Gate {
  refuseOthers(before.record, after.record);
  const times = [before, after].map(({ samples }) => timesByVariant(samples));
  const [earlier = new Map(), later = new Map()] = times;
  const keys = before.rows.filter((row) => later.has(keyOf(row.group, row.variant)));
  const referenceFaults = new Map<string, string>();
  for (const { group = '', variant = '', role } of keys) {
    if (role !== 'reference') continue;
    const key = keyOf(group, variant);
    const own = judge(earlier.get(key) ?? [], later.get(key) ?? [], 1);
    if (own.verdict === 'slower' || own.verdict === 'faster' || beyond(own.ratio.estimate)) {
      referenceFaults.set(
        group,
        `${variant}, which is none of clipbench, became ${own.ratio.estimate >= 1 ? 'slower' : 'faster'} by a factor of ${factorText(own.ratio.estimate)}: the machine isn't what it was`,
      );
    }
  }
  const judged = keys
    .filter((row) => text(row, 'role') !== 'reference' && text(row, 'role') !== 'again')
    .map(({ group = '', variant = '' }): Judged => {
      const key = keyOf(group, variant);
      const noise = Math.max(noiseOf(before.record, group), noiseOf(after.record, group));
      const own = judge(earlier.get(key) ?? [], later.get(key) ?? [], noise);
      const fault = referenceFaults.get(group);
      return {
        group,
        variant,
        noise,
        ...own,
        ...(fault !== undefined && { verdict: "can't tell" as const, why: fault }),
      };
    });
  const twins = [before, after].flatMap((one, i) => twinsOf(one, times[i] ?? new Map()));
  const flagged = twins.filter(({ verdict }) => verdict === 'slower' || verdict === 'faster').length;
  return {
    differences: differencesOf(before.record, after.record),
    judged,
    twins: { pairs: twins.length, flagged, rate: wilson(flagged, twins.length) },
    lacking: [...lackingIn(before, later, 'after'), ...lackingIn(after, earlier, 'before')],
  };
}

/** @param noise a factor, 1 or more */
export function judge(before: readonly number[], after: readonly number[], noise: number) {
  const [x, y] = [before.map(Math.log), after.map(Math.log)];
  const shift = shiftBetween(x, y);
  const ratio = { estimate: Math.exp(shift.estimate), low: Math.exp(shift.low), high: Math.exp(shift.high) };
  const { p } = mannWhitney(x, y);
  const figures = { before: Math.exp(median(x)), after: Math.exp(median(y)), ratio, p };
  const least = smallestMannWhitneyP(x.length, y.length);
  if (least > LEVEL) {
    const why = `${x.length} and ${y.length} processes reach p ${least.toFixed(3)} at the smallest, and it takes ${LEVEL}; five each are enough`;
    return { ...figures, verdict: "can't tell" as const, why };
  }
  const apart = beyond(ratio.estimate) && p <= LEVEL && (ratio.low > noise || ratio.high < 1 / noise);
  const verdict: Verdict = !apart ? 'no change' : ratio.estimate > 1 ? 'slower' : 'faster';
  return { ...figures, verdict };
}

const beyond = (ratio: number): boolean => ratio >= FACTOR || ratio <= 1 / FACTOR;
const factorText = (ratio: number): string => Math.max(ratio, 1 / ratio).toFixed(2);
const keyOf = (group = '', variant = ''): string => JSON.stringify([group, variant]);
const noiseOf = ({ calibrations }: BenchRecord, group: string): number =>
  calibrations.find((one) => one.group === group)?.itself.noise ?? 1;

/** By group and variant the ms of a call, one for each process. */
function timesByVariant(samples: readonly Sample[]): Map<string, number[]> {
  const byProcess = new Map<string, Map<number, number[]>>();
  for (const { group, variant, process, ms } of samples) {
    const own = byProcess.get(keyOf(group, variant)) ?? new Map<number, number[]>();
    own.set(process, [...(own.get(process) ?? []), ms]);
    byProcess.set(keyOf(group, variant), own);
  }
  return new Map([...byProcess].map(([key, own]) => [key, [...own.values()].map((values) => median(values))]));
}

/** Each twin held against what it is the twin of, as if they were two measurements. */
function twinsOf({ record, rows }: Measurement, times: ReadonlyMap<string, number[]>) {
  return rows.flatMap(({ group = '', variant = '', role }) => {
    const original = record.calibrations.find((one) => one.group === group)?.again.variant;
    if (role !== 'again' || original === undefined) return [];
    return [
      judge(times.get(keyOf(group, original)) ?? [], times.get(keyOf(group, variant)) ?? [], noiseOf(record, group)),
    ];
  });
}

const lackingIn = ({ rows }: Measurement, other: ReadonlyMap<string, unknown>, where: string): string[] =>
  rows
    .filter(({ group, variant }) => !other.has(keyOf(group, variant)))
    .map(({ group, variant }) => `${variant} (${group}) isn't there ${where}`);

function refuseOthers(before: BenchRecord, after: BenchRecord): void {
  const fields: (keyof Machine)[] = ['platform', 'cpu', 'cores', 'memory_gb', 'governor', 'vector', 'pinned'];
  const others = fields
    .filter((field) => before.machine[field] !== after.machine[field])
    .map((field) => `${field} ${before.machine[field]} and ${after.machine[field]}`);
  if (others.length > 0) {
    throw new UsageError(
      `measured on different machines (${others.join('; ')}), so their times say nothing of the code; measure both on one`,
    );
  }
  if (before.measure !== after.measure) {
    throw new UsageError(`one measured ${before.measure}, the other ${after.measure}; give two of the same bench file`);
  }
}

function differencesOf(before: BenchRecord, after: BenchRecord): string[] {
  const facts = ({ clipbench, versions, sha256, seed, processes }: BenchRecord): Record<string, unknown> => ({
    clipbench,
    ...versions,
    'bench file': `sha256 ${sha256.slice(0, 12)}`,
    seed,
    processes,
  });
  const [a, b] = [facts(before), facts(after)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => a[name] !== b[name])
    .map((name) => `${name}: ${a[name] ?? 'none'} before, ${b[name] ?? 'none'} after`);
}
