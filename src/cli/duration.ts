/** Times as people write them. */
import { InvalidArgumentError, Option } from 'commander';

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `10m`, `1.5h` in ms; `none` is Infinity. */
export function durationOf(text: string): number {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const ms = Number(amount) * (units[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('give a time such as 90s, 10m or 2h, or none.');
}

/** Long enough for any run that is meant to be small, and short enough to find a hang by the next morning. */
export function timeoutOption(): Option {
  return new Option('--timeout <time>', 'limit of one attempt at a cell: 90s, 10m, 2h, none')
    .argParser(durationOf)
    .default(3_600_000, '1h');
}

/** The opposite of `durationOf`: 600000 -> 10m. */
export function durationText(ms: number): string {
  const fitting = Object.entries(units).filter(([, size]) => ms >= size && Number.isInteger(ms / size));
  const [unit, size] = fitting.at(-1) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** 75 -> 1:15 */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const pad = (n: number) => String(n).padStart(2, '0');
  return minutes < 60
    ? `${minutes}:${pad(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}
