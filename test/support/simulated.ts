/** What simulated studies have in common. */
import type { Stream } from '../../src/types.ts';

export const STUDIES = 2000;
export const PAIRS = [6, 10, 16];

/** Differences whose distribution is symmetric around 0. */
export const nulls: Record<string, (draw: Stream) => number> = {
  normal: (draw) => draw.normal(),
  // Cauchy: not even a mean.
  'heavy-tailed': (draw) => draw.normal() / draw.normal(),
  // Multiples of 1, a fifth of them 0.
  tied: (draw) => Math.round(1.8 * draw.normal()),
  // Every fourth diverged on the one side, every fourth on the other.
  diverging: (draw) => [draw.normal(), draw.normal(), Infinity, -Infinity][Math.floor(4 * draw.uniform())] ?? 0,
};

export const times = <T>(n: number, make: (index: number) => T): T[] =>
  Array.from({ length: n }, (_, index) => make(index));
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** Standard error of the mean. */
export function standardError(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) / (values.length - 1));
}
