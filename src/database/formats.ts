/** Rows of a query as text, written while they come. */
import type { DuckDBResult, JS } from '@duckdb/node-api';
import { stringify } from 'csv-stringify/sync';
import { numberText } from '../float_text.ts';

export const formats = ['markdown', 'csv', 'json', 'parquet'] as const;
export type Format = (typeof formats)[number];
/** Parquet is written by the database itself. */
export type TextFormat = Exclude<Format, 'parquet'>;

/**
 * The result piece by piece. Numbers are the shortest texts that read back as themselves; what is not applicable is an empty field, and null
 * in JSON, where NaN and the infinities are texts.
 */
export async function* textOf(result: DuckDBResult, format: TextFormat): AsyncGenerator<string> {
  const columns = result.deduplicatedColumnNames();
  const numeric = columns.map((_, i) => /^(\w*INT|DOUBLE|FLOAT|DECIMAL\(.*\))$/.test(String(result.columnType(i))));
  const { head, rows, end } = writers[format](columns, numeric);
  yield head;
  let count = 0;
  for await (const chunk of result.yieldRowsJs()) {
    if (chunk.length > 0) yield rows(chunk, count);
    count += chunk.length;
  }
  yield end;
}

interface Writer {
  head: string;
  rows(chunk: JS[][], before: number): string;
  end: string;
}

const writers: Record<TextFormat, (columns: string[], numeric: boolean[]) => Writer> = {
  csv: (columns) => ({
    head: stringify([columns]),
    rows: (chunk) => stringify(chunk.map((row) => row.map(fieldText))),
    end: '',
  }),
  json: (columns) => ({
    head: '[',
    rows: (chunk, before) => {
      const objects = chunk.map((row) =>
        JSON.stringify(Object.fromEntries(columns.map((column, i) => [column, jsonOf(row[i] ?? null)]))),
      );
      return `${before > 0 ? ',' : ''}\n${objects.join(',\n')}`;
    },
    end: '\n]\n',
  }),
  markdown: (columns, numeric) => ({
    head: `${line(columns)}${line(numeric.map((isNumeric) => (isNumeric ? '--:' : '---')))}`,
    rows: (chunk) => chunk.map((row) => line(row.map((value) => fieldText(value).replaceAll('|', '\\|')))).join(''),
    end: '',
  }),
};

const line = (cells: string[]): string => `| ${cells.join(' | ')} |\n`;

function fieldText(value: JS): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return value instanceof Date ? value.toISOString() : JSON.stringify(jsonOf(value));
}

/** As JSON has it: whole numbers as such as far as a double holds them, else as texts, like what isn't finite. */
function jsonOf(value: JS): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Date) return value.toISOString();
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, jsonOf(own)]));
  }
  return value;
}
