/** Numbers as a reader wants them; the same text everywhere, no locale involved. */

/** U+2212, as wide as a plus sign. */
const minus = (text: string): string => text.replace('-', '\u2212');

/** `digits` significant digits, trailing zeros kept off; empty for undefined. */
export function significant(value: number | undefined, digits = 3): string {
  if (value === undefined) return '';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '\u221E' : '\u2212\u221E';
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(digits - 1) : plain(value, digits);
  return minus(text.replace(/(?:\.0+|(\.\d*[1-9])0+)(e|$)/, '$1$2'));
}

/** Without an exponent: 12345 stays 12345 at 3 digits, since its digits are known anyway. */
const plain = (value: number, digits: number): string => {
  const text = Number(value.toPrecision(digits)).toString();
  return Math.abs(value) >= 1000 ? value.toFixed(0) : text;
};

/**
 * Numbers of one column with the same decimals, so that they stand below each other: `digits` significant ones for the
 * largest. Very large or small ones keep an exponent.
 */
export function aligned(values: readonly (number | undefined)[], digits = 3): (value: number) => string {
  const sizes = values
    .filter((value) => value !== undefined && Number.isFinite(value))
    .map((value) => Math.abs(Number(value)));
  const largest = Math.max(...sizes, 0);
  if (largest === 0 || largest < 1e-3 || largest >= 1e5) return (value) => significant(value, digits);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(largest)));
  // What rounds to 0 is 0, not -0.
  const fixed = (value: number) => minus((Number(value.toFixed(decimals)) || 0).toFixed(decimals));
  return (value) => (Number.isFinite(value) ? fixed(value) : significant(value));
}

/** Beside a number so much larger, one of a row would be rounded to a digit or to none. */
const FAR = 1000;

/**
 * How to write each row of numbers: aligned with all others, by itself where nothing would be left of it beside larger ones, and each
 * number by itself where that holds within the row.
 */
export function alignedRows(rows: readonly (readonly number[])[]): ((value: number) => string)[] {
  const largest = (values: readonly number[]) => Math.max(...values.filter(Number.isFinite).map(Math.abs), 0);
  const isWide = (row: readonly number[]) => row.some((value) => value !== 0 && FAR * Math.abs(value) < largest(row));
  const even = rows.filter((row) => !isWide(row)).flat();
  const all = aligned(even);
  return rows.map((row) => {
    if (isWide(row)) return significant;
    return 20 * largest(row) < largest(even) ? aligned(row) : all;
  });
}

/** With its sign, for differences. */
export function signed(value: number, format: (value: number) => string = significant): string {
  const text = format(value);
  return value > 0 && /[1-9∞]/.test(text) ? `+${text}` : text;
}

/** A whole number, digits grouped by threes with a narrow no-break space. */
export const whole = (value: number): string => minus(String(value)).replace(/\B(?=(\d{3})+$)/g, '\u202F');

/** A share as per cent, whole where that says enough. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '';
  const value = 100 * share;
  const text = value > 0 && value < 1 ? '<1' : value > 99 && value < 100 ? '>99' : value.toFixed(0);
  return `${text}\u202F%`;
}

/** A p value: two significant digits, never 0 and never more certain than it is. */
export const pValue = (p: number): string => (p >= 1 ? '1' : significant(p, 2));

/** `1 run`, `2 runs`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${whole(n)} ${n === 1 ? one : many}`;

/** `a`, `a and b`, `a, b and c`. */
export const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
