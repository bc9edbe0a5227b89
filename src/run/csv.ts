/** CSV as text: LF, RFC 4180, the shortest number that reads back as itself. */
import { stringify } from 'csv-stringify/sync';
import type { Column } from '../columns.ts';

export type Value = string | number | undefined;

/** Rows in column order: LF, RFC 4180, an empty field where there is no value. */
export function csvText(columns: Column[], rows: Record<string, Value>[]): string {
  return stringify(rows.map((row) => columns.map((column) => fieldText(column, row[column.name]))));
}

export function headerText(columns: Column[]): string {
  return stringify([columns.map(({ name }) => name)]);
}

function fieldText({ kind }: Column, value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return kind === 'float' ? floatText(value) : numberText(value);
}

/** JavaScript's shortest round-trip text; the sign of -0 kept. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The shortest decimal text that reads back as the same float32: 0.1, not 0.10000000149011612. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return numberText(value);
  // Normal float32s need 6 to 9 digits (fewer come out by themselves); subnormal ones have less to say.
  for (let digits = Math.abs(value) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(9)));
}
