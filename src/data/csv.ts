/** Comma-separated values (RFC 4180) with a header, or values separated by something else. */
import { CsvError, parse } from 'csv-parse/sync';
import { UsageError } from '../types.ts';
import { shown, type Table } from './table.ts';

/** What stands between two values, by name. */
export const delimiters = { comma: ',', tab: '\t', semicolon: ';', pipe: '|' };
export type Delimiter = keyof typeof delimiters;

/**
 * @param file the name shown in messages
 * @throws UsageError with file:line for a header without names or with one twice, a row with more or fewer fields, or a
 * quote that isn't closed
 */
export function readCsv(file: string, text: string, delimiter: Delimiter = 'comma'): Table {
  const [header, ...rows] = recordsOf(file, text, delimiters[delimiter]);
  if (header === undefined) throw new UsageError(`${file}: is empty; the first line names the columns`);
  const columns = header.values.map((name) => name.trim());
  checkColumns(file, header.line, columns, delimiter);
  if (rows.length === 0) throw new UsageError(`${file}: has no row below its header; give some`);
  for (const { line, values } of rows) {
    if (values.length === columns.length) continue;
    throw new UsageError(
      `${file}:${line}: has ${values.length} fields where the header has ${columns.length}; mend the row, and put values that hold ${delimiter}s in quotes`,
    );
  }
  return { file, columns, rows };
}

function recordsOf(file: string, text: string, delimiter: string): Table['rows'] {
  const lines: number[] = [];
  try {
    const records = parse(text, {
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record(record: string[], info) {
        lines.push(info.lines);
        return record;
      },
    });
    return records.map((values, i) => ({ line: lines[i] ?? 0, values }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? `:${error.lines}` : '';
    throw new UsageError(`${file}${line}: ${error.message.replaceAll(/\s+/g, ' ')}; mend the quotes`);
  }
}

function checkColumns(file: string, line: number, columns: string[], delimiter: Delimiter): void {
  const place = (index: number) => `${file}:${line}: column ${index + 1}`;
  columns.forEach((name, index) => {
    if (name === '') throw new UsageError(`${place(index)} has no name; name every column in the first line`);
    const first = columns.indexOf(name);
    if (first < index) {
      throw new UsageError(`${place(index)} is named ${shown(name)} as column ${first + 1} is; give it another name`);
    }
  });
  const [name = '', ...others] = columns;
  if (others.length > 0) return;
  const candidates = Object.entries(delimiters).filter(([other]) => other !== delimiter);
  const counts = candidates.map(([other, sign]) => ({ other, count: name.split(sign).length - 1 }));
  const likely = counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count)[0];
  throw new UsageError(
    `${place(0)} is the only one, named ${shown(name)}; ${
      likely === undefined
        ? `a task needs a target and something to learn from, separated by ${delimiter}s`
        : `set delimiter: ${likely.other}, which seems to separate the columns (now ${delimiter})`
    }`,
  );
}
