/**
 * From samples to figures. Pure. A process is the unit: what differs between processes (where memory lies, what else the machine does)
 * is shared by all samples of one, so that samples are no independent evidence.
 */
import type { Calibration } from '../bench_record.ts';
import { hodgesLehmann } from '../stats/hodges-lehmann.ts';
import { median, quantile } from '../stats/quantile.ts';
import type { Group, Turn } from './variant.ts';

export interface Interval {
  estimate: number;
  low: number;
  high: number;
}

/** Confidence of an exact interval from so many processes: 95 %, or the most that few can have. */
export const confidenceOf = (processes: number): number => Math.min(0.95, 1 - 2 ** (1 - processes));

/** Typical value of positive figures, one for each process, with an exact interval: on the logarithm, where changes are symmetric. */
export function typical(values: readonly number[]): Interval {
  const { estimate, low, high } = hodgesLehmann(values.map(Math.log), confidenceOf(values.length));
  return { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) };
}

/** ms of a call, one for each process. */
export function timesOf(turns: readonly Turn[], variant: string): number[] {
  const own = turns.filter((turn) => turn.variant === variant);
  return processesOf(own).map((process) =>
    median(own.filter((turn) => turn.process === process).flatMap(({ ms }) => ms)),
  );
}

/**
 * Times of a variant as multiples of another's, one for each process. Turns are paired pass by pass; the geometric mean over two passes, there
 * and back, takes out what drifts evenly; the median over such pairs of passes, what interferes once.
 */
export function ratiosOf(turns: readonly Turn[], variant: string, other: string): number[] {
  return processesOf(turns).map((process) => {
    const time = (name: string, pass: number) =>
      median(turns.find((turn) => turn.variant === name && turn.process === process && turn.pass === pass)?.ms ?? []);
    const passes = distinct(turns.filter((turn) => turn.process === process).map(({ pass }) => pass));
    const logs = passes.map((pass) => Math.log(time(variant, pass) / time(other, pass)));
    const pairs = Array.from({ length: Math.ceil(logs.length / 2) }, (_, i) => mean(logs.slice(2 * i, 2 * i + 2)));
    return Math.exp(median(pairs));
  });
}

/**
 * A variant against itself, one ratio for each process: of four turns, there, back, there, back, the outer two against the inner two, which is
 * the order in which two variants take turns.
 */
export function itselfOf(turns: readonly Turn[], variant: string): number[] {
  const own = turns.filter((turn) => turn.variant === variant);
  return processesOf(own).flatMap((process) => {
    const logs = own
      .filter((turn) => turn.process === process)
      .toSorted((a, b) => a.pass - b.pass)
      .map(({ ms }) => Math.log(median(ms)));
    const fours = Array.from({ length: Math.floor(logs.length / 4) }, (_, i) => logs.slice(4 * i, 4 * i + 4));
    const contrasts = fours.map(([a = 0, b = 0, c = 0, d = 0]) => (b + c - a - d) / 2);
    return contrasts.length === 0 ? [] : [Math.exp(median(contrasts))];
  });
}

/** Whether a whole interval of ratios lies beyond a factor, and on which side. */
export function verdictOf({ low, high }: Interval, noise: number): 'slower' | 'faster' | 'not told apart' {
  if (low > noise) return 'slower';
  return high < 1 / noise ? 'faster' : 'not told apart';
}

/** What the twins, and every variant against itself, say of the group's figures. */
export function calibrationOf(group: Group, turns: readonly Turn[]): Calibration {
  const own = turns.filter((turn) => turn.group === group.name);
  const { variant, twin } = group.again;
  const selves = group.variants
    .filter(({ role }) => role !== 'reference')
    .map(({ name }) => itselfOf(own, name))
    .filter((ratios) => ratios.length > 0)
    .map(typical);
  const again = typical(ratiosOf(own, twin, variant));
  const apart = [again, ...selves].map(({ estimate }) => Math.abs(Math.log(estimate)));
  return {
    group: group.name,
    again: { variant, ...again },
    itself: {
      pairs: selves.length,
      flagged: selves.filter((ratio) => verdictOf(ratio, 1) !== 'not told apart').length,
      noise: Math.exp(quantile(apart, 0.95)),
    },
  };
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
const processesOf = (turns: readonly Turn[]) => distinct(turns.map(({ process }) => process)).sort((a, b) => a - b);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
