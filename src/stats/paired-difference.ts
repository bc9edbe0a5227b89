/**
 * How much better `member` did than `baseline` on the same seed, in the metric's unit, positive = better.
 *
 * `undefined` stands for a run without a value because it diverged (NaN is taken for the same): it ranks below every
 * value. So a diverged baseline gives Infinity, a diverged member -Infinity, and two diverged runs 0: neither was
 * better. No value is imputed and no pair dropped.
 */
export function pairedDifference(
  member: number | undefined,
  baseline: number | undefined,
  better: 'higher' | 'lower',
): number {
  const ours = score(member, better);
  const theirs = score(baseline, better);
  return ours === theirs ? 0 : ours - theirs;
}

/** Higher is better on this scale; -Infinity is the worst. */
const score = (value: number | undefined, better: 'higher' | 'lower'): number =>
  value === undefined || Number.isNaN(value) ? -Infinity : better === 'higher' ? value : -value;
