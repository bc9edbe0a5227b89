/** What measuring the same thing twice says of how far to believe the rest, in words. Pure. */
import type { BenchRecord, Calibration } from '../../bench_record.ts';
import { count, list, significant, whole } from '../format.ts';
import type { Group } from './entry.ts';
import { beyondOne, confidence, range, withRange } from './words.ts';

/** Six processes are the fewest with an interval of 95 %. */
const ENOUGH = 0.95;

/** `The same variant measured twice: ...`: what a difference of nothing looks like here. */
export function believable(groups: readonly Group[], record: BenchRecord): string {
  const own = groups.flatMap(({ calibration }) => calibration ?? []);
  if (own.length === 0)
    return 'Nothing was measured twice, so nothing tells a difference from noise: take the figures as a hint.';
  const isOne = own.length === 1 && record.calibrations.length === 1;
  const again = own.map((one) => `${one.again.variant} ${withRange(one.again)}${isOne ? '' : ` at ${one.group}`}`);
  const [pairs, flagged] = [sum(own, ({ itself }) => itself.pairs), sum(own, ({ itself }) => itself.flagged)];
  const noise = Math.max(...own.map(({ itself }) => itself.noise));
  const itself =
    pairs === 0
      ? 'No variant had turns enough to be held against itself.'
      : `Of ${count(pairs, 'variant')} held against ${pairs === 1 ? 'itself' : 'themselves'}, ${whole(flagged)} came out as different, where chance alone makes about ${significant(expected(pairs, record), 2)}; nearly all differ by less than ${beyondOne(noise)}.`;
  return `The same variant measured twice, as a ratio, where 1 is no difference: ${list(again)}. ${itself}`;
}

/** So many intervals of the record's confidence leave out 1 by chance. */
export const expected = (pairs: number, { confidence: own }: Pick<BenchRecord, 'confidence'>): number =>
  pairs * (1 - own);

/** Whether the twins came out as two, which nothing else would then be safe from. */
export const isTwinApart = ({ again }: Calibration): boolean => again.low > 1 || again.high < 1;

/** On how much the intervals rest. */
export function restsOn({ processes, confidence: own }: BenchRecord): string {
  const of = `Intervals have a confidence of ${confidence(own)} and rest on ${count(processes, 'process', 'processes')}`;
  return own >= ENOUGH ? `${of}.` : `${of}, too few for the usual 95\u202F%: six are the fewest.`;
}

/** What else went on: nothing is hidden, whether or not it mattered. */
export function surroundings({ machine, disturbance }: BenchRecord): string {
  const { load_before, load_after, stolen, switches_per_second } = disturbance;
  const given =
    stolen === undefined
      ? 'time given to others not known'
      : `${beyondOne(1 + stolen)} of time given to others by the host`;
  return `${machine.cpu}, ${count(machine.cores, 'core')}, ${machine.pinned ? 'kept on one core' : 'not kept on one core'}; load ${significant(load_before)} before and ${significant(load_after)} after, ${given}, taken off the core ${significant(switches_per_second, 2)} times a second.`;
}

/** Twins whose interval leaves out 1, by group. */
export function doubtful(groups: readonly Group[]): string | undefined {
  const apart = groups.flatMap(({ calibration }) =>
    calibration !== undefined && isTwinApart(calibration) ? [calibration] : [],
  );
  if (apart.length === 0) return undefined;
  const told = apart.map(({ group, again }) => `${again.variant} at ${group} (${range(again)})`);
  return `Measured twice, ${list(told)} came out as two different things: read no difference of that size as one.`;
}

const sum = (own: readonly Calibration[], value: (one: Calibration) => number): number =>
  own.reduce((total, one) => total + value(one), 0);
