/**
 * Ranks 1 .. n, ascending; equal values share the mean of their ranks (midranks), so the sum is always n (n + 1) / 2.
 * Infinities rank like other numbers and tie with each other; NaN is not allowed.
 */
export function midranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => compare(values[a], values[b]));
  const ranks = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && compare(at(values, order, start), at(values, order, end)) === 0) end += 1;
    for (const index of order.slice(start, end)) ranks[index] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

const at = (values: readonly number[], order: readonly number[], index: number) => values[order[index] ?? -1];

/** Subtraction would give NaN for two infinities. */
const compare = (a = 0, b = 0): number => (a < b ? -1 : a > b ? 1 : 0);
