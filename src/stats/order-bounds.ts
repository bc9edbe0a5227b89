/** Bands for a distribution function from order statistics. */

/** P(i or more of n, each with probability p): that the i-th smallest of n uniform numbers is at most p, a beta distribution. */
export function orderProbability(i: number, n: number, p: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  const logs = logFactorials(n);
  let sum = 0;
  for (let k = i; k <= n; k++) sum += binomial(logs, n, k, p);
  return Math.min(1, sum);
}

/** The p at which `orderProbability` is `probability`. */
export function orderQuantile(i: number, n: number, probability: number): number {
  return bisected((p) => orderProbability(i, n, p) - probability);
}

/**
 * Bounds low_i <= U_(i) <= high_i that hold for all n order statistics of uniform numbers at once with the probability `confidence`: equal
 * tails of each one's beta distribution, as far out as it takes (Learned-Miller & DeStefano 2008). Exact, where opda draws 100,000
 * samples: so the same for everyone.
 */
export function orderBounds(n: number, confidence: number): { low: number[]; high: number[] } {
  const at = (tail: number) => {
    const each = Array.from({ length: n }, (_, i) => i + 1);
    return {
      low: each.map((i) => orderQuantile(i, n, tail)),
      high: each.map((i) => orderQuantile(i, n, 1 - tail)),
    };
  };
  // With Bonferroni's tails they hold at least, with those of a single one at most.
  const [least, most] = [(1 - confidence) / (2 * n), (1 - confidence) / 2];
  const tail = bisected((share) => {
    const { low, high } = at(least + share * (most - least));
    return confidence - insideProbability(low, high);
  }, 40);
  return at(least + tail * (most - least));
}

/**
 * P(low_i <= U_(i) <= high_i for all i) for the order statistics of n uniform numbers; both bounds ascend. From left to right over the
 * bounds: how many numbers lie below each, given how many lay below the one before (Noe 1972).
 */
export function insideProbability(low: readonly number[], high: readonly number[]): number {
  const n = low.length;
  const logs = logFactorials(n);
  const points = [...new Set([...low, ...high, 1])].filter((p) => p > 0).sort((a, b) => a - b);
  // Of each count of numbers up to the point reached, its probability.
  let reached = new Float64Array(n + 1);
  reached[0] = 1;
  let before = 0;
  for (const point of points) {
    const share = (point - before) / (1 - before);
    const least = high.filter((bound) => bound <= point).length;
    const most = point === 1 ? n : low.filter((bound) => bound < point).length;
    const next = new Float64Array(n + 1);
    for (let count = least; count <= most; count++) {
      for (let earlier = 0; earlier <= count; earlier++) {
        const own = reached[earlier] ?? 0;
        if (own > 0) next[count] = (next[count] ?? 0) + own * binomial(logs, n - earlier, count - earlier, share);
      }
    }
    reached = next;
    before = point;
  }
  return reached[n] ?? 0;
}

/** P(k of n), each with probability p. */
function binomial(logs: Float64Array, n: number, k: number, p: number): number {
  if (p <= 0) return k === 0 ? 1 : 0;
  if (p >= 1) return k === n ? 1 : 0;
  const [all = 0, some = 0, others = 0] = [logs[n], logs[k], logs[n - k]];
  return Math.exp(all - some - others + k * Math.log(p) + (n - k) * Math.log1p(-p));
}

/** log(0!) to log(n!). */
function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let k = 1; k <= n; k++) logs[k] = (logs[k - 1] ?? 0) + Math.log(k);
  return logs;
}

/** Where a function that ascends from below 0 to above it, over [0, 1], crosses it. */
function bisected(f: (x: number) => number, times = 60): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < times; i++) {
    const middle = (low + high) / 2;
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
