import { Finding } from '../types.ts';

/** One line of a CSV: column -> the text that stands there. Empty text means: not applicable. */
export type Row = Readonly<Record<string, string>>;

/** What stands in a column, '' where the column is missing. */
export const text = (row: Row, column: string): string => row[column] ?? '';

/** A number as written in CSV (`NaN`, `Infinity`, `-0` included), or undefined where the field is empty. */
export function number(row: Row, column: string): number | undefined {
  const written = text(row, column);
  if (written === '') return undefined;
  const value = Number(written);
  if (Number.isNaN(value) && written !== 'NaN')
    throw new Finding(
      `column ${column}: "${written}" is not a number; the CSV was altered or written by another version`,
    );
  return value;
}

/** A number without which the row makes no sense. */
export function required(row: Row, column: string): number {
  const value = number(row, column);
  if (value === undefined) throw new Finding(`column ${column} is empty; every row must have it`);
  return value;
}
