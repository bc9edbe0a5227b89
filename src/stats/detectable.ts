/** What a number of seeds can show, before any of them runs. */
import type { Stream } from '../types.ts';
import { signedRank } from './signed-rank.ts';

/**
 * The smallest typical difference, in standard deviations of the paired differences, that the exact signed-rank test at `level` finds with
 * the probability `power`: by simulation of normal differences, the same ones for every size tried. Infinity where no data could reach `level`.
 *
 * @param level after Holm over a family of m, level / m: what the first of them has to reach
 */
export function detectableEffect(
  seeds: number,
  level: number,
  stream: Stream,
  { power = 0.8, simulations = 2000 } = {},
): number {
  if (signedRank(Array.from({ length: seeds }, (_, i) => i + 1)).p > level) return Infinity;
  const draws = Array.from({ length: simulations }, () => Array.from({ length: seeds }, () => stream.normal()));
  const share = (effect: number) =>
    draws.filter((draw) => signedRank(draw.map((value) => value + effect)).p <= level).length / simulations;
  let [low, high] = [0, 1];
  while (share(high) < power) high *= 2;
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    if (share(middle) < power) low = middle;
    else high = middle;
  }
  return high;
}
