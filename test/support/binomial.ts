/** How many of n simulated studies may come out one way: bounds from the binomial distribution itself, not from its normal approximation. */
import assert from 'node:assert/strict';

/**
 * The probability with which a single bound fails though everything is right. Of the some 250 bounds that are checked, one would fail
 * in 1 of 400 draws of all streams. They are seeded, so a bound that holds once holds always.
 */
export const FALSE_ALARM = 1e-5;

/** P(k of n), each with probability p, for all k. */
function probabilities(n: number, p: number): Float64Array {
  const all = new Float64Array(n + 1);
  if (p <= 0 || p >= 1) all[p <= 0 ? 0 : n] = 1;
  else {
    let choose = 0;
    for (let k = 0; k <= n; k++) {
      all[k] = Math.exp(choose + k * Math.log(p) + (n - k) * Math.log1p(-p));
      choose += Math.log(n - k) - Math.log(k + 1);
    }
  }
  return all;
}

/** The smallest count that more than which come out with a probability of at most `chance`. */
export function mostOf(n: number, p: number, chance = FALSE_ALARM): number {
  const all = probabilities(n, p);
  let [most, above] = [n, 0];
  while (most > 0 && above + (all[most] ?? 0) <= chance) {
    above += all[most] ?? 0;
    most -= 1;
  }
  return most;
}

/** The largest count that fewer than which come out with a probability of at most `chance`. */
export const leastOf = (n: number, p: number, chance = FALSE_ALARM): number => n - mostOf(n, 1 - p, chance);

/** P(`least` or more of n). */
export const atLeastOf = (n: number, p: number, least: number): number =>
  probabilities(n, p)
    .subarray(least)
    .reduce((sum, probability) => sum + probability, 0);

/** That something happens in at most the share `p` of all studies. */
export function assertAtMost(happened: readonly boolean[], p: number, what: string): void {
  const [n, count, most] = [happened.length, happened.filter(Boolean).length, mostOf(happened.length, p)];
  assert.ok(count <= most, `${what}: ${count} of ${n}, more than the ${most} that chance leaves at ${p}`);
}

/** That it happens in at least that share. */
export function assertAtLeast(happened: readonly boolean[], p: number, what: string): void {
  const [n, count, least] = [happened.length, happened.filter(Boolean).length, leastOf(happened.length, p)];
  assert.ok(count >= least, `${what}: ${count} of ${n}, fewer than the ${least} that chance leaves at ${p}`);
}

/** That it happens in just that share, or where theory is an approximation, in one that is at most `off` from it. */
export function assertNear(happened: readonly boolean[], p: number, what: string, off = 0): void {
  const n = happened.length;
  const count = happened.filter(Boolean).length;
  const [least, most] = [leastOf(n, p - off, FALSE_ALARM / 2), mostOf(n, Math.min(1, p + off), FALSE_ALARM / 2)];
  assert.ok(
    least <= count && count <= most,
    `${what}: ${count} of ${n}, not ${least} to ${most} as chance leaves at ${p}`,
  );
}
