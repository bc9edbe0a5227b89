/** The nouns of a measurement's page: groups of variants that took turns, each with its figures. Pure. */
import type { BenchRecord, Calibration } from '../../bench_record.ts';
import { Finding } from '../../types.ts';
import { number, type Row, required, text } from '../row.ts';

export interface Interval {
  estimate: number;
  low: number;
  high: number;
}

const roles = ['baseline', 'variant', 'again', 'reference'] as const;
export type Role = (typeof roles)[number];
const verdicts = ['slower', 'faster', 'not told apart'] as const;
export type Verdict = (typeof verdicts)[number];

/** One variant: a line of bench.csv. */
export interface Entry {
  group: string;
  variant: string;
  role: Role;
  strategy: string;
  /** Of a call. */
  ms: Interval;
  /** Time as a multiple of the baseline's, or of copying the gradient. */
  ratio: Interval | undefined;
  /** Undefined where nothing is a baseline. */
  verdict: Verdict | undefined;
  processes: number;
  row: Row;
}

export interface Group {
  name: string;
  entries: Entry[];
  /** What ratios are to; undefined where there are none. */
  base: Entry | undefined;
  /** Whether that is copying as much memory, and no variant: then `slower` would be no finding. */
  isToCopy: boolean;
  calibration: Calibration | undefined;
}

/** What copies as much memory as the gradient has. */
export const COPY = 'copy';

/** In the order of the file. */
export function groupsOf({ calibrations }: Pick<BenchRecord, 'calibrations'>, rows: readonly Row[]): Group[] {
  const names = [...new Set(rows.map((row) => text(row, 'group')))];
  return names.map((name) => {
    const own = rows.filter((row) => text(row, 'group') === name);
    const entries = own.map(entryOf);
    const baseline = entries.find(({ role }) => role === 'baseline');
    const copy = entries.find(({ role, variant }) => role === 'reference' && variant === COPY);
    const isToCopy = baseline === undefined;
    return {
      name,
      entries: isToCopy ? entries.map((entry) => ({ ...entry, verdict: undefined })) : entries,
      base: entries.some(({ ratio }) => ratio !== undefined) ? (baseline ?? copy) : undefined,
      isToCopy,
      calibration: calibrations.find(({ group }) => group === name),
    };
  });
}

/** Those that are asked about: neither what they are held against nor what only tells how far to believe it. */
export const variantsOf = ({ entries }: Group): Entry[] => entries.filter(({ role }) => role === 'variant');

/** Variants with a ratio, cheapest first. */
export const ranked = (group: Group): (Entry & { ratio: Interval })[] =>
  variantsOf(group)
    .flatMap((entry) => (entry.ratio === undefined ? [] : [{ ...entry, ratio: entry.ratio }]))
    .sort((a, b) => a.ratio.estimate - b.ratio.estimate);

function entryOf(row: Row): Entry {
  const verdict = text(row, 'verdict');
  return {
    group: text(row, 'group'),
    variant: text(row, 'variant'),
    role: oneOf(row, 'role', roles),
    strategy: text(row, 'strategy'),
    ms: {
      estimate: required(row, 'ms'),
      low: number(row, 'ms_low') ?? Number.NEGATIVE_INFINITY,
      high: number(row, 'ms_high') ?? Number.POSITIVE_INFINITY,
    },
    ratio: intervalOf(row, 'ratio'),
    verdict: verdict === '' ? undefined : oneOf(row, 'verdict', verdicts),
    processes: required(row, 'processes'),
    row,
  };
}

/** Undefined where the field is empty. */
export function intervalOf(row: Row, name: string): Interval | undefined {
  const estimate = number(row, name);
  if (estimate === undefined) return undefined;
  return {
    estimate,
    low: number(row, `${name}_low`) ?? Number.NEGATIVE_INFINITY,
    high: number(row, `${name}_high`) ?? Number.POSITIVE_INFINITY,
  };
}

function oneOf<T extends string>(row: Row, column: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === text(row, column));
  if (found === undefined)
    throw new Finding(
      `bench.csv: ${column} is "${text(row, column)}", not one of ${allowed.join(', ')}; measure again with this version`,
    );
  return found;
}
