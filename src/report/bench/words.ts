/** Figures of a measurement in words. Pure. */
import { significant } from '../format.ts';
import type { Interval } from './entry.ts';

/** `0.991 to 1.013`; a dash where few processes leave an end open. */
export function range(interval: Omit<Interval, 'estimate'>): string {
  const { low, high } = interval;
  const write = writer(interval);
  return Number.isFinite(low) && Number.isFinite(high) ? `${write(low)} to ${write(high)}` : '–';
}

/** `1.02 (0.99 to 1.05)`. */
export const withRange = (interval: Interval): string => `${estimated(interval)} (${range(interval)})`;

/** As many decimals as its interval has. */
export const estimated = (interval: Interval): string => writer(interval)(interval.estimate);

/** Three digits, and more where the ends would else look alike. */
function writer({ low, high }: Omit<Interval, 'estimate'>): (value: number) => string {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (!Number.isFinite(largest) || largest < 1e-3 || largest >= 1e5) return significant;
  const usual = 2 - Math.floor(Math.log10(largest));
  const apart = high > low ? Math.ceil(0.5 - Math.log10(high - low)) : 0;
  const decimals = Math.min(9, Math.max(0, usual, apart));
  return (value) => (Number.isFinite(value) ? value.toFixed(decimals).replace('-', '\u2212') : significant(value));
}

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
