/**
 * Exact null distribution of a sign-flip test: P(S = s) for S = the sum of those `weights` whose fair coin shows heads,
 * s = 0 .. sum of weights. If the two arms are alike, a paired difference of any given size is as likely positive as
 * negative, so each of the 2^n ways to give out the signs is equally likely (Fisher 1935, The Design of Experiments,
 * section 21): no assumption on the shape of the data enters. Weights are non-negative integers: all 1 gives the binomial distribution at 1/2 (sign test,
 * McNemar), ranks 1 .. n the one of Wilcoxon's signed-rank statistic.
 *
 * Computed by convolution in O(n * sum); exact in double up to about 50 weights, where every probability is a multiple
 * of 2^-n, and good to rounding beyond. No weights: S is 0 for certain.
 */
export function signFlipDistribution(weights: readonly number[]): Float64Array {
  let distribution = Float64Array.of(1);
  for (const weight of weights) {
    const next = new Float64Array(distribution.length + weight);
    for (const [sum, probability] of distribution.entries()) {
      next[sum] = (next[sum] ?? 0) + probability / 2;
      next[sum + weight] = (next[sum + weight] ?? 0) + probability / 2;
    }
    distribution = next;
  }
  return distribution;
}

/**
 * Two-sided p of the observed `sum` under `signFlipDistribution(weights)`: min(1, 2 min(P(S <= sum), P(S >= sum))).
 * The distribution is symmetric, so this is the share of sign patterns at least as extreme on either side.
 */
export function signFlipP(weights: readonly number[], sum: number): number {
  const distribution = signFlipDistribution(weights);
  const upTo = total(distribution.subarray(0, sum + 1));
  const from = total(distribution.subarray(sum));
  return Math.min(1, 2 * Math.min(upTo, from));
}

/** The smallest two-sided p that n differences can reach: all of one sign, 2 of 2^n patterns. No differences: 1. */
export const smallestP = (n: number): number => (n < 1 ? 1 : halved(2, n));

/** How many differences it takes until `comparisons` under Holm can reach `level`: comparisons * 2^(1 - n) <= level. */
export function neededPairs(comparisons: number, level: number): number {
  let n = 1;
  while (comparisons * smallestP(n) > level) n += 1;
  return n;
}

/** value / 2^times, without `**`, whose bits depend on the version of V8 for large exponents. */
const halved = (value: number, times: number): number => {
  let result = value;
  for (let i = 0; i < times; i += 1) result /= 2;
  return result;
};

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
