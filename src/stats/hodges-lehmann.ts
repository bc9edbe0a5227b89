import { median } from './quantile.ts';
import { signFlipDistribution } from './sign-flip.ts';

export interface Shift {
  /** Hodges-Lehmann estimate: the median of all Walsh averages; NaN without differences. */
  estimate: number;
  /** Exact interval for the centre of the differences; infinite ends where the data can't bound it. */
  low: number;
  high: number;
  /** Confidence the interval really has, at least the one asked for: the null distribution is discrete. */
  confidence: number;
}

/**
 * Typical paired difference with an exact interval, in the unit of the differences.
 *
 * Walsh averages: (d_i + d_j) / 2 for i <= j, N = n (n + 1) / 2 of them. The estimate is their median (Hodges & Lehmann
 * 1963). The interval runs from the (k+1)-th smallest to the (k+1)-th largest, with k the largest integer for which the
 * signed-rank statistic T has P(T < k + 1) <= (1 - confidence) / 2: those shifts that the signed-rank test does not
 * reject (Hollander, Wolfe & Chicken 2014, section 3.3).
 *
 * Exact where the differences are symmetric around their centre. Where they lean to one side the centre is not their
 * median: of lognormal ones an interval of 95 % holds the median 93 times in 100 with 10 pairs, 84 times with 30.
 *
 * With n < 6 no rank qualifies at 95 %: the interval is (-Infinity, Infinity) with confidence 1. Ties and zeros
 * make it wider than need be, never too narrow. Infinite differences stand for "further than any number": the average
 * of a finite and an infinite one is infinite, that of Infinity and -Infinity could be any number. So the estimate leaves
 * it out (0 where nothing but Infinity and -Infinity is left in the middle), and the interval takes it for -Infinity at
 * its low end and for Infinity at the high one: never too narrow either. NaN is not allowed.
 */
export function hodgesLehmann(differences: readonly number[], confidence = 0.95): Shift {
  const averages = differences.flatMap((a, i) => differences.slice(i).map((b) => a / 2 + b / 2));
  const walsh = Float64Array.from(averages.filter((average) => !Number.isNaN(average))).sort();
  const anywhere = averages.length - walsh.length;
  const middle = median(walsh);
  const estimate = Number.isNaN(middle) && walsh.length > 0 ? 0 : middle;
  const distribution = signFlipDistribution([...differences.keys()].map((index) => index + 1));
  let tail = 0;
  let outside = 0;
  let rank = 0;
  for (const probability of distribution) {
    tail += probability;
    if (tail > (1 - confidence) / 2) break;
    outside = tail;
    rank += 1;
  }
  if (rank === 0) return { estimate, low: -Infinity, high: Infinity, confidence: 1 };
  const low = walsh[rank - 1 - anywhere] ?? -Infinity;
  const high = walsh[walsh.length - rank + anywhere] ?? Infinity;
  return { estimate, low, high, confidence: 1 - 2 * outside };
}
