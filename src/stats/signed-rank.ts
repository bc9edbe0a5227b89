import { midranks } from './midranks.ts';
import { signFlipP } from './sign-flip.ts';

export interface SignedRank {
  /** Differences that are not 0: the ones that take part. */
  n: number;
  /** Differences that are exactly 0; they say nothing about a direction and are left out (Wilcoxon's way). */
  zeros: number;
  /** Sum of the ranks of |d| over positive differences. */
  positive: number;
  /** The same over negative ones; positive + negative = n (n + 1) / 2. */
  negative: number;
  /** Exact two-sided p: the share of the 2^n sign patterns at least as extreme. 1 where n is 0. */
  p: number;
}

/**
 * Wilcoxon's signed-rank test on paired differences, exact also with ties: the sign-flip distribution of the very
 * midranks observed (Wilcoxon 1945; Pratt & Gibbons 1981, chapter 3), not a table that assumes there are none.
 *
 * Infinite differences are allowed: their |d| tie for the highest rank. That is how a diverged run ranks worst without
 * being given a value. NaN is not allowed.
 *
 * p <= level in at most that share of studies where the arms are alike: differences are then symmetric around 0. Of differences around a
 * median of 0 that lean to one side it finds that too: with lognormal ones p <= 0.05 in 7 studies of 100 with 10 pairs, in 16 with 30.
 */
export function signedRank(differences: readonly number[]): SignedRank {
  const nonzero = differences.filter((difference) => difference !== 0);
  const ranks = midranks(nonzero.map(Math.abs));
  const sum = (sign: number) =>
    ranks.reduce((total, rank, index) => total + (Math.sign(nonzero[index] ?? 0) === sign ? rank : 0), 0);
  const positive = sum(1);
  // Midranks are multiples of 1/2: doubled, they are the integers that the convolution needs.
  const p = signFlipP(
    ranks.map((rank) => 2 * rank),
    2 * positive,
  );
  return { n: nonzero.length, zeros: differences.length - nonzero.length, positive, negative: sum(-1), p };
}
