/** Which examples are to learn from, to choose by (val) and to report (test). */
import seedrandom from 'seedrandom';
import { permutation } from '../permutation.ts';
import { type Split, UsageError } from '../types.ts';

/** In percent; what is left is for testing. */
const SHARES = { train: 70, val: 15 };

/**
 * The numbers 0 .. n-1, each in one split, in random order. The order comes from a stream of the data's own and `n` alone: it
 * is the same in every run. `classes` says of each example what it is: every split then has each class's share of the whole,
 * and a class with a single example has it in training.
 */
export function partition(
  n: number,
  classes: ArrayLike<number> = new Uint8Array(n),
  shares = SHARES,
): Record<Split, number[]> {
  const counts = new Map<number, number>();
  for (let i = 0; i < n; i++) counts.set(classes[i] ?? 0, (counts.get(classes[i] ?? 0) ?? 0) + 1);
  const met = new Map<number, number>();
  const parts: Record<Split, number[]> = { train: [], val: [], test: [] };
  for (const index of permutation(n, seedrandom.alea('clipbench partition'))) {
    const kind = classes[index] ?? 0;
    const place = met.get(kind) ?? 0;
    met.set(kind, place + 1);
    parts[splitAt(place, counts.get(kind) ?? 0, shares)].push(index);
  }
  return parts;
}

/** @throws UsageError where a split has no example, which a few of a class leave it */
export function refuseEmpty(file: string, what: string, parts: Partial<Record<Split, number[]>>): void {
  for (const [split, rows] of Object.entries(parts)) {
    if (rows.length > 0) continue;
    throw new UsageError(
      `${file}: has ${what}, which leave none for ${split}; give at least 5, of a class where there are classes`,
    );
  }
}

/** The split of the example that comes at `place` of `count`; by its middle, so that a single one is for training. */
function splitAt(place: number, count: number, { train, val }: typeof SHARES): Split {
  const middle = (2 * place + 1) * 50;
  if (middle < train * count) return 'train';
  return middle < (train + val) * count ? 'val' : 'test';
}
