/**
 * What validation score to expect from the best of n trials, from N that were made: a comparison that holds for every tuning budget
 * (Dodge et al. 2019). The trials have to be independent draws; on a grid it is a description. Higher scores are better; a run
 * without one counts as the worst there can be.
 */
import { orderBounds } from './order-bounds.ts';

/**
 * V(n) = sum over i of y_i [(i/N)^n - ((i-1)/N)^n] for ascending y: the mean of the best of n drawn with replacement from the N. Biased low, and
 * leads to fewer wrong conclusions than the unbiased one (Dodge et al. 2021).
 */
export function expectedBest(scores: readonly number[], n: number): number {
  const sorted = ascending(scores);
  const N = sorted.length;
  return weighted(sorted, (i) => power(i / N, n) - power((i - 1) / N, n));
}

/** U(n) = sum of y_i [C(i, n) - C(i-1, n)] / C(N, n): drawn without replacement; unbiased. For n above N the best there is. */
export function unbiasedBest(scores: readonly number[], n: number): number {
  const sorted = ascending(scores);
  const N = sorted.length;
  const drawn = Math.min(n, N);
  // C(i, n) / C(N, n): that all n come from the lowest i.
  const below = (i: number) => {
    let share = 1;
    for (let k = 0; k < drawn; k++) share *= Math.max(0, i - k) / (N - k);
    return share;
  };
  return weighted(sorted, (i) => below(i) - below(i - 1));
}

/** The median best of n: the smallest score below or at which lies a share of 2^(-1/n) of all. */
export function medianBest(scores: readonly number[], n: number): number {
  const sorted = ascending(scores);
  const share = Math.exp(Math.log(0.5) / n);
  const index = sorted.findIndex((_, i) => (i + 1) / sorted.length >= share);
  return sorted[index] ?? Number.NaN;
}

export interface CurveBand {
  /** For each n. */
  low: number[];
  high: number[];
}

/**
 * A band that holds the true expected curve for all n at once with the probability `confidence` (Lourie, Cho & He 2023): of all distributions
 * within the order statistics' simultaneous bounds, the worst and the best. Scores lie within `support`; where an end is infinite, so
 * is that side of the band.
 */
export function expectedBestBand(
  scores: readonly number[],
  ns: readonly number[],
  support: { low: number; high: number },
  confidence = 0.95,
): CurveBand {
  const sorted = ascending(scores);
  const { low, high } = orderBounds(sorted.length, confidence);
  // Below the i-th score lies at most high_i of the distribution, and at least low_i up to it: in the best case the rest is at its upper end.
  const best = (n: number) => mixture([...sorted, support.high], (i) => low[i - 1] ?? (i < 1 ? 0 : 1), n);
  const worst = (n: number) => mixture([support.low, ...sorted], (i) => (i < 1 ? 0 : (high[i - 1] ?? 1)), n);
  return { low: ns.map(worst), high: ns.map(best) };
}

/**
 * The same for the median best of n: its true curve lies within with the probability `confidence`, and, unlike the expected one's, the
 * band has ends where scores have none, once n is large enough.
 */
export function medianBestBand(
  scores: readonly number[],
  ns: readonly number[],
  support: { low: number; high: number },
  confidence = 0.95,
): CurveBand {
  const sorted = ascending(scores);
  const { low, high } = orderBounds(sorted.length, confidence);
  const share = (n: number) => Math.exp(Math.log(0.5) / n);
  const best = (n: number) => sorted[low.findIndex((bound) => bound >= share(n))] ?? support.high;
  // Just below the i-th score lies at most high_i of the distribution; at the last, all of it.
  const worst = (n: number) => {
    const i = [...high, 1].findIndex((bound) => bound >= share(n));
    return i === 0 ? support.low : (sorted[i - 1] ?? Number.NaN);
  };
  return { low: ns.map(worst), high: ns.map(best) };
}

/** Mean of the best of n from a distribution with the share `upTo(i)` at its lowest i values. */
const mixture = (values: readonly number[], upTo: (i: number) => number, n: number): number =>
  weighted(values, (i) => power(upTo(i), n) - power(upTo(i - 1), n));

/** Sum of weight(i) * value_i, i from 1; what has no weight doesn't enter, infinite or not. */
function weighted(values: readonly number[], weight: (i: number) => number): number {
  return values.reduce((sum, value, index) => {
    const own = weight(index + 1);
    return own === 0 ? sum : sum + own * value;
  }, 0);
}

const ascending = (scores: readonly number[]): number[] => [...Float64Array.from(scores).sort()];

/** x^n for whole n, without `**`, whose last bits depend on the version of V8. */
function power(x: number, n: number): number {
  let result = 1;
  for (let i = 0; i < n; i++) result *= x;
  return result;
}
