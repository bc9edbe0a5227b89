/** What the seeds of an experiment can show, in words. */
import type { Reach } from '../matrix/reach.ts';
import { detectableEffect } from '../stats/detectable.ts';
import { neededPairs } from '../stats/sign-flip.ts';
import type { Stream } from '../types.ts';

/** Chance of any false verdict in the family, and the chance wanted of finding what is there. */
const [LEVEL, POWER] = [0.05, 0.8];

/** Standard deviations of paired differences in earlier results, and what they are of. */
export interface Pilot {
  folder: string;
  metric: string;
  deviations: readonly number[];
}

/** @param stream from which made-up differences are drawn: the same sentence for the same experiment */
export function reachText({ comparisons, fewest, most, smallest }: Reach, stream: Stream, pilot?: Pilot): string {
  const seeds = fewest === most ? `${most}` : `${fewest} to ${most}`;
  const family = comparisons === 1 ? '1 comparison' : `${comparisons} comparisons under Holm`;
  const after = comparisons === 1 ? '' : `, ${short(smallest.holm)} after Holm`;
  const p = `${family}, ${seeds} paired seeds: the smallest p that any data could reach is ${short(smallest.p)}${after}`;
  if (smallest.holm > LEVEL) {
    const needed = neededPairs(comparisons, LEVEL);
    return `${p}; so no verdict is possible. It takes ${needed} seeds, or fewer comparisons (compare.family)`;
  }
  const deviations = detectableEffect(most, LEVEL / comparisons, stream, { power: POWER });
  const found = `${p}. Found with ${100 * POWER} %: a typical difference of ${short(deviations)} standard deviations of the paired differences`;
  return pilot === undefined ? found : `${found}; ${pilotText(deviations, pilot)}`;
}

function pilotText(effect: number, { folder, metric, deviations }: Pilot): string {
  const sorted = [...deviations].sort((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) return `${folder} has no paired differences of ${metric}`;
  const range = low === high ? `${short(effect * low)}` : `${short(effect * low)} to ${short(effect * high)}`;
  return `with those of ${folder} a difference in ${metric} of ${range}`;
}

const short = (value: number): string => String(Number(value.toPrecision(2)));
