import { midranks } from './midranks.ts';

export interface MannWhitney {
  /** Pairs in which y is larger; equal ones count half. */
  u: number;
  /** Exact two-sided p. */
  p: number;
}

/**
 * Are values of y typically larger, or smaller, than those of x? (Mann & Whitney 1947.) Exact, also with ties: of all ways to give the pooled
 * midranks to the two samples, the share whose rank sum is at least as extreme; twice the smaller side, as R and scipy have it.
 */
export function mannWhitney(x: readonly number[], y: readonly number[]): MannWhitney {
  const ranks = midranks([...x, ...y]);
  const sum = ranks.slice(x.length).reduce((total, rank) => total + rank, 0);
  // Midranks are multiples of 1/2: doubled they are integers.
  const counts = subsetSums(
    ranks.map((rank) => 2 * rank),
    y.length,
  );
  const all = total(counts);
  const [upTo, from] = [total(counts.subarray(0, 2 * sum + 1)), total(counts.subarray(2 * sum))];
  return { u: sum - (y.length * (y.length + 1)) / 2, p: Math.min(1, (2 * Math.min(upTo, from)) / all) };
}

/** The smallest p that samples of these sizes can reach: 2 / C(n + m, n). */
export const smallestMannWhitneyP = (n: number, m: number): number => Math.min(1, 2 / choose(n + m, n));

/**
 * How much larger y typically is than x: the median of all differences (Hodges & Lehmann 1963), and the exact interval of those shifts that
 * the test doesn't reject (Hollander, Wolfe & Chicken 2014, section 4.3). Without ends where the samples are too small.
 */
export function shiftBetween(x: readonly number[], y: readonly number[], confidence = 0.95) {
  const differences = Float64Array.from(y.flatMap((b) => x.map((a) => b - a))).sort();
  const middle = (differences.length - 1) / 2;
  const estimate =
    ((differences[Math.floor(middle)] ?? Number.NaN) + (differences[Math.ceil(middle)] ?? Number.NaN)) / 2;
  const ranks = Array.from({ length: x.length + y.length }, (_, i) => i + 1);
  const counts = subsetSums(ranks, y.length);
  const all = total(counts);
  const least = (y.length * (y.length + 1)) / 2;
  let [tail, rank] = [0, 0];
  for (let u = 0; u <= differences.length; u++) {
    tail += (counts[least + u] ?? 0) / all;
    if (tail > (1 - confidence) / 2) break;
    rank += 1;
  }
  if (rank === 0) return { estimate, low: -Infinity, high: Infinity };
  return {
    estimate,
    low: differences[rank - 1] ?? -Infinity,
    high: differences[differences.length - rank] ?? Infinity,
  };
}

/** In how many ways `size` of the weights have each sum. */
function subsetSums(weights: readonly number[], size: number): Float64Array {
  const most = weights.reduce((sum, weight) => sum + weight, 0);
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(most + 1));
  if (ways[0] !== undefined) ways[0][0] = 1;
  for (const weight of weights) {
    for (let k = size; k > 0; k--) {
      const [own, fewer] = [ways[k], ways[k - 1]];
      if (own === undefined || fewer === undefined) continue;
      for (let sum = weight; sum <= most; sum++) own[sum] = (own[sum] ?? 0) + (fewer[sum - weight] ?? 0);
    }
  }
  return ways[size] ?? new Float64Array(most + 1);
}

function choose(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
