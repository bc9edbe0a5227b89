/** From the times of all processes to medians, paired ratios and verdicts. Pure. */
import { hodgesLehmann } from '../../src/stats/hodges-lehmann.ts';
import { median } from '../../src/stats/quantile.ts';
import { bar } from './bar.ts';

/** One work in one process. */
export interface Timing {
  round: number;
  system: string;
  /** oneDNN off or on; empty where there is no such thing. */
  profile: string;
  work: string;
  ms: number;
}

export interface Row {
  work: string;
  profile: string;
  system: string;
  median_ms: number;
  /** Exact interval of the median over rounds: at least 95 % from six rounds on, else from the least to the most. */
  lo_ms: number;
  hi_ms: number;
  rounds: number;
}

export interface Ratio {
  work: string;
  peer: string;
  /** Ours, with the profile that is faster here. */
  system: string;
  profile: string;
  /** Times as fast as the peer: the median of the paired ratios (on the logarithm) and its interval. */
  estimate: number;
  low: number;
  high: number;
  /** The interval lies above 1, below it, or on both sides. */
  verdict: 'ahead' | 'behind' | 'undecided';
  /** What was set out for, and whether it holds: not where all of the interval is under 0.95 of it. */
  factor?: number;
  reached?: boolean;
}

const keyOf = ({ work, profile, system }: { work: string; profile: string; system: string }) =>
  JSON.stringify([work, profile, system]);

export function rowsOf(timings: Timing[]): Row[] {
  const keys = [...new Set(timings.map(keyOf))];
  return keys.map((key) => {
    const group = timings.filter((timing) => keyOf(timing) === key);
    const [{ work, profile, system } = { work: '', profile: '', system: '' }] = group;
    const times = group.map(({ ms }) => ms).sort((a, b) => a - b);
    const outside = rankOutside(times.length);
    const [lo_ms = 0, hi_ms = 0] = [times[outside], times[times.length - 1 - outside]];
    return { work, profile, system, median_ms: median(times), lo_ms, hi_ms, rounds: times.length };
  });
}

/** Order statistics left out at each end, so that the median lies between the others with 95 %: the sign test's interval. */
function rankOutside(n: number): number {
  let [rank, probability, tail] = [0, 2 ** -n, 2 ** -n];
  while (tail + (probability * (n - rank)) / (rank + 1) <= 0.025) {
    probability *= (n - rank) / (rank + 1);
    tail += probability;
    rank += 1;
  }
  return rank;
}

const stepwise = 'clipbench-compiled';
const together = 'clipbench-compiled-k';

/** Of our system against every other one, in the order of works and systems. */
export function ratiosOf(timings: Timing[]): Ratio[] {
  const rows = rowsOf(timings);
  const peers = [...new Set(rows.map(({ system }) => system))].filter((system) => !system.startsWith(stepwise));
  const works = [...new Set(rows.map(({ work }) => work))];
  return works.flatMap((work) =>
    peers.flatMap((peer) => {
      const own = peer === 'jax-scan' ? together : stepwise;
      const fastest = (system: string) =>
        rows.filter((row) => row.work === work && row.system === system).sort((a, b) => a.median_ms - b.median_ms)[0];
      const [ours, theirs] = [fastest(own), fastest(peer)];
      return ours === undefined || theirs === undefined ? [] : [ratio(timings, ours, theirs)];
    }),
  );
}

function ratio(timings: Timing[], ours: Row, theirs: Row): Ratio {
  const byRound = (row: Row) =>
    new Map(timings.filter((timing) => keyOf(timing) === keyOf(row)).map(({ round, ms }) => [round, ms]));
  const [own, other] = [byRound(ours), byRound(theirs)];
  const logs = [...own].flatMap(([round, ms]) => {
    const peer = other.get(round);
    return peer === undefined ? [] : [Math.log(peer / ms)];
  });
  // With five rounds an exact interval can have 93.75 % at most.
  const shift = hodgesLehmann(logs, Math.min(0.95, 1 - 2 ** (1 - logs.length)));
  const [estimate, low, high] = [shift.estimate, shift.low, shift.high].map(Math.exp);
  const { work, profile, system } = ours;
  const found = { estimate: estimate ?? 1, low: low ?? 0, high: high ?? Infinity };
  const factor = bar.find((one) => one.work === work && one.peer === theirs.system)?.factor;
  return {
    work,
    peer: theirs.system,
    system,
    profile,
    ...found,
    verdict: found.low > 1 ? 'ahead' : found.high < 1 ? 'behind' : 'undecided',
    ...(factor !== undefined && { factor, reached: found.high >= 0.95 * factor }),
  };
}
