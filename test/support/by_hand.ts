/**
 * The statistics of the report once more, as their definitions say and with no thought for speed: all sign patterns one by one, all
 * shifts tried. Nothing is shared with src/stats, so that a fault there shows.
 */

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const ascending = (values: readonly number[]): number[] =>
  [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** The sum of `weights` under each of the 2^n ways to give out signs, counting those with a plus. */
function sumsOverSigns(weights: readonly number[]): number[] {
  return Array.from({ length: 2 ** weights.length }, (_, pattern) =>
    sum(weights.filter((_weight, bit) => Math.floor(pattern / 2 ** bit) % 2 === 1)),
  );
}

/** Twice the smaller tail, 1 at most. */
function twoSided(sums: readonly number[], observed: number): number {
  const share = (holds: (value: number) => boolean) => sums.filter(holds).length / sums.length;
  return Math.min(
    1,
    2 *
      Math.min(
        share((s) => s <= observed),
        share((s) => s >= observed),
      ),
  );
}

/** Rank of each: how many are smaller, plus half of those equal to it, itself among them, plus a half. */
export const ranksOf = (values: readonly number[]): number[] =>
  values.map((own) => values.filter((v) => v < own).length + (values.filter((v) => v === own).length + 1) / 2);

/** Two-sided p of the signed ranks of differences, zeros left out; also which sign has more. */
export function signTest(differences: readonly number[]): { p: number; sign: number } {
  const taking = differences.filter((d) => d !== 0);
  const ranks = ranksOf(taking.map((d) => Math.abs(d)));
  const plus = sum(ranks.filter((_, i) => (taking[i] ?? 0) > 0));
  return { p: twoSided(sumsOverSigns(ranks), plus), sign: Math.sign(plus - sum(ranks) / 2) };
}

export interface Typical {
  estimate: number;
  low: number;
  high: number;
  confidence: number;
}

/** The mean of two; of two without bound on opposite sides it is 0, as of any two opposite numbers. */
const average = (a: number, b: number): number => (a === -b ? 0 : a / 2 + b / 2);

/** Which of two is nearer to `shift`: of two without bound the one that isn't on the `side`. */
function nearer(a: number, b: number, shift: number, side: 1 | -1): number {
  const [own, other] = [Math.abs(a - shift), Math.abs(b - shift)];
  if (own !== other) return own < other ? -1 : 1;
  return own === Infinity ? (Math.sign(a) - Math.sign(b)) * side : 0;
}

/** A number between two that may be without bound. */
function between(a: number, b: number): number {
  if (a === -Infinity) return b === Infinity ? 0 : b - 1 - Math.abs(b);
  return b === Infinity ? a + 1 + Math.abs(a) : a / 2 + b / 2;
}

/**
 * Median of all averages of two differences (each with itself too) but those of opposite ones without bound, and the shifts that the test
 * on ranks 1 to n does not reject at 0.05, whichever of those without bound are further off.
 */
export function typicalDifference(d: readonly number[]): Typical {
  const averages = ascending(
    d.flatMap((a, i) => d.slice(i).flatMap((b) => (Number.isNaN(a + b) ? [] : [average(a, b)]))),
  );
  const [lower = Number.NaN, upper = Number.NaN] = [
    averages[Math.ceil(averages.length / 2) - 1],
    averages[Math.floor(averages.length / 2)],
  ];
  const estimate = average(lower, upper);
  const sums = sumsOverSigns(d.map((_, i) => i + 1));
  // Of a shift between two averages: differences of equal size then have one sign, so that their order is of no account.
  const tailOf = (shift: number, side: 1 | -1) => {
    const order = [...d].sort((a, b) => nearer(a, b, shift, side));
    const most = sum(order.map((value, i) => ((value - shift) * side > 0 ? i + 1 : 0)));
    return sums.filter((s) => s <= most).length / sums.length;
  };
  const pOf = (shift: number) => 2 * Math.min(tailOf(shift, 1), tailOf(shift, -1));
  const rejected = [...new Set(sums)].map((s) => twoSided(sums, s)).filter((p) => p <= 0.05);
  if (rejected.length === 0) return { estimate, low: -Infinity, high: Infinity, confidence: 1 };
  const kept = [...new Set(averages)].flatMap((here, i, all) => {
    const next = all[i + 1];
    return next !== undefined && pOf(between(here, next)) > 0.05 ? [{ here, next }] : [];
  });
  // Where no gap is left, many averages are one, and that is the interval.
  return {
    estimate,
    low: kept[0]?.here ?? estimate,
    high: kept.at(-1)?.next ?? estimate,
    confidence: 1 - Math.max(...rejected),
  };
}

/** Holm's adjusted p: the k-th smallest of m times m - k + 1, never below the one before, never above 1. */
export function stepDown(ps: readonly number[]): number[] {
  const sorted = ascending(ps);
  return ps.map((own) => {
    const upTo = sorted.flatMap((p, k) => (p <= own ? [Math.min(1, p * (sorted.length - k))] : []));
    return Math.max(...upTo);
  });
}

/** The smallest two-sided p that n differences can have. */
export const leastP = (n: number): number => Math.min(1, 2 / 2 ** n);

/** How many pairs until m times that is at most 0.05. */
export function pairsFor(m: number): number {
  let n = 1;
  while (m * leastP(n) > 0.05) n += 1;
  return n;
}

/** The 95 % score interval: the proportions p for which |k/n - p| <= z sqrt(p (1 - p) / n), by halving. */
export function scoreInterval(k: number, n: number): { low: number; high: number } {
  const z = 1.959963984540054;
  const holds = (p: number) => Math.abs(k / n - p) <= z * Math.sqrt((p * (1 - p)) / n);
  const edge = (outside: number) => {
    let [inside, out] = [k / n, outside];
    for (let i = 0; i < 60; i++) {
      const middle = (inside + out) / 2;
      if (holds(middle)) inside = middle;
      else out = middle;
    }
    return inside;
  };
  return { low: k === 0 ? 0 : edge(0), high: k === n ? 1 : edge(1) };
}

/** Exact McNemar test: twice the binomial tail at 1/2 of the smaller count. */
export function unlikePairs(a: number, b: number): number {
  const n = a + b;
  let ways = 1;
  let tail = 0;
  for (let k = 0; k <= Math.min(a, b); k++) {
    tail += ways;
    ways = (ways * (n - k)) / (k + 1);
  }
  return Math.min(1, (2 * tail) / 2 ** n);
}

/** The middle value, or the mean of the middle two; infinite ones are values too. */
export function middle(values: readonly number[]): number {
  const sorted = ascending(values);
  const [a = Number.NaN, b = Number.NaN] = [
    sorted[Math.ceil(sorted.length / 2) - 1],
    sorted[Math.floor(sorted.length / 2)],
  ];
  return a === b ? a : (a + b) / 2;
}

export const meanOf = (values: readonly number[]): number => sum(values) / values.length;
