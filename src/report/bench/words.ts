/** Figures of a measurement in words. Pure. */
import { significant } from '../format.ts';
import type { Interval } from './entry.ts';

/** `0.99 to 1.01`; a dash where few processes leave an end open. */
export const range = ({ low, high }: Pick<Interval, 'low' | 'high'>): string =>
  Number.isFinite(low) && Number.isFinite(high) ? `${significant(low)} to ${significant(high)}` : '–';

/** `1.02 (0.99 to 1.05)`. */
export const withRange = (interval: Interval): string => `${factor(interval.estimate)} (${range(interval)})`;

/** A ratio, with three decimals where that is how small the difference is. */
export const factor = (value: number): string =>
  Math.abs(value - 1) < 0.1 ? significant(value, value < 1 ? 3 : 4) : significant(value);

/** How far a factor is from 1, in per cent: 1.034 -> `3.4 %`. */
export function beyondOne(value: number): string {
  const share = 100 * (value - 1);
  return `${significant(share, share < 1 ? 1 : 2)}\u202F%`;
}

/** A share of 1 as per cent, to what a confidence of 0.96875 needs. */
export const confidence = (share: number): string => `${significant(100 * share, 3)}\u202F%`;

/** Milliseconds in the unit in which they are read. */
export function duration(ms: number): string {
  if (ms >= 1000) return `${significant(ms / 1000)} s`;
  return ms >= 1
    ? `${significant(ms)} ms`
    : ms >= 1e-3
      ? `${significant(1000 * ms)} µs`
      : `${significant(1e6 * ms)} ns`;
}
