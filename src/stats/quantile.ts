/**
 * Quantile of a sample, linear interpolation between order statistics: h = (n - 1) q,
 * x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]). Hyndman & Fan (1996), type 7; numpy's and R's default.
 *
 * `q` is in [0, 1]; the result has the unit of the values. Infinities are values like others, so that a diverged run
 * can rank worst: between a finite and an infinite neighbour the result is infinite, between -Infinity and Infinity it
 * is NaN. An empty sample gives NaN; NaN is not allowed among the values (it has no rank).
 */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) return Number.NaN;
  // Weights rather than a step from `low`: -Infinity + Infinity would be NaN. The guard avoids 0 * Infinity.
  const weight = position - below;
  return low === high || weight === 0 ? low : (1 - weight) * low + weight * high;
}

/** The middle of a sample; the mean of the two middle values where their number is even. */
export const median = (values: ArrayLike<number>): number => quantile(values, 0.5);
