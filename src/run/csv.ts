/** CSV as text: LF, RFC 4180, the shortest number that reads back as itself. */
import { stringify } from 'csv-stringify/sync';
import type { Column } from '../columns.ts';
import { floatText, numberText } from '../float_text.ts';

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
