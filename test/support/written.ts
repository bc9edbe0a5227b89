/** Numbers and lists as a report writes them, by rules of this file's own. */

const minus = (text: string): string => text.replace(/-/g, '\u2212');

/** Without the zeros at the end of the decimals. */
const trimmed = (digits: string): string =>
  digits.includes('.') ? digits.replace(/0+$/, '').replace(/\.$/, '') : digits;

/** Three significant digits, or as many as asked for; powers of ten below a thousandth and from 100,000 on. */
export function shortened(x: number, digits = 3): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : x > 0 ? '∞' : '\u2212∞';
  const size = Math.abs(x);
  if (x === 0) return '0';
  if (size < 0.001 || size >= 100_000) {
    const [mantissa = '', exponent = ''] = x.toExponential(digits - 1).split('e');
    return minus(`${trimmed(mantissa)}e${exponent}`);
  }
  return minus(size >= 1000 ? x.toFixed(0) : trimmed(x.toFixed(digits - 1 - Math.floor(Math.log10(size)))));
}

export const withSign = (x: number, write: (x: number) => string): string => {
  const text = write(x);
  return x > 0 && /[1-9∞]/.test(text) ? `+${text}` : text;
};

/**
 * How to write each line of a column: three significant digits for the largest number, and as many decimals for the others; a line
 * whose largest is less than a twentieth of that one by itself, and numbers one by one where a line spans more than 1 to 1000.
 */
export function column(lines: readonly (readonly number[])[]): ((x: number) => string)[] {
  const largest = (numbers: readonly number[]) => Math.max(0, ...numbers.filter(Number.isFinite).map(Math.abs));
  const spans = (line: readonly number[]) => line.some((x) => x !== 0 && largest(line) > 1000 * Math.abs(x));
  const top = largest(lines.filter((line) => !spans(line)).flat());
  return lines.map((line) => {
    if (spans(line)) return (x: number) => shortened(x);
    const own = largest(line);
    const size = 20 * own < top ? own : top;
    if (size < 0.001 || size >= 100_000) return (x: number) => shortened(x);
    const decimals = Math.max(0, 2 - Math.floor(Math.log10(size)));
    return (x: number) => {
      if (!Number.isFinite(x)) return shortened(x);
      const text = x.toFixed(decimals);
      return minus(/[1-9]/.test(text) ? text : text.replace('-', ''));
    };
  });
}

/** A p value, two significant digits. */
export const pText = (p: number): string => (p >= 1 ? '1' : shortened(p, 2));

/** Thousands apart. */
export const grouped = (n: number): string => String(n).replace(/(?<=\d)(?=(\d{3})+$)/g, '\u202F');

export const counted = (n: number, one: string): string => `${grouped(n)} ${one}${n === 1 ? '' : 's'}`;

/** `a, b and c`. */
export const and = (items: readonly string[]): string =>
  items.length < 2 ? String(items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;

/** Per cent, whole; what isn't quite none or all of it says so. */
export function perCent(share: number): string {
  const value = 100 * share;
  const text = value > 0 && value < 1 ? '<1' : value > 99 && value < 100 ? '>99' : String(Math.round(value));
  return `${text}\u202F%`;
}
