/** Standard normal quantile at 0.975, for intervals of 95 %. */
const Z = 1.959963984540054;

/**
 * 95 % interval for a proportion from `k` of `n`: (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n)
 * (Wilson 1927, JASA 22). Unlike p ± z sqrt(p (1 - p) / n) it says something at 0 of n and n of n, where one end is
 * exactly 0 or 1. n = 0 gives [0, 1]. Holds the proportion 95 times in 100 on average over all proportions; single ones, near 0 or 1, as
 * seldom as 83 times (Brown, Cai & DasGupta 2001, Statistical Science 16).
 */
export function wilson(k: number, n: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 };
  const p = k / n;
  const scale = 1 + (Z * Z) / n;
  const centre = (p + (Z * Z) / (2 * n)) / scale;
  const half = (Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n))) / scale;
  return { low: k === 0 ? 0 : centre - half, high: k === n ? 1 : centre + half };
}
