/** From finished cells to CSV files, in matrix order. */
import { join } from 'node:path';
import {
  type Column,
  evalColumns,
  failureColumns,
  runColumns,
  signalColumns,
  stepColumns,
  timingColumns,
} from '../columns.ts';
import type { Manifest } from '../manifest.ts';
import { csvText, headerText } from './csv.ts';
import { newFile, type Written, writeDurably } from './files.ts';
import { type FailureRecord, type ResultRecord, readText } from './store.ts';

/** The parts of a cell's text that become files. */
const sheets = [
  { part: 'run', name: 'runs.csv', columns: runColumns },
  { part: 'steps', name: 'steps.csv', columns: stepColumns },
  { part: 'evals', name: 'evals.csv', columns: evalColumns },
  { part: 'signals', name: 'signals.csv', columns: signalColumns },
] as const;

export interface Collection {
  files: Manifest['files'];
  /** Records whose text isn't what was stored; where there are any, the files stay as they were. */
  altered: ResultRecord[];
}

/** Writes every CSV file, each in one move; one cell is in memory at a time. */
export function collect(folder: string, records: ResultRecord[], failures: FailureRecord[]): Collection {
  const open = sheets.map(({ part, name, columns }) => {
    const file = newFile(join(folder, name));
    file.write(Buffer.from(headerText(columns)));
    return { part, name, file };
  });
  try {
    const altered: ResultRecord[] = [];
    for (const record of records) {
      const text = readText(folder, record);
      if (text === undefined) altered.push(record);
      else for (const { part, file } of open) file.write(text[part]);
    }
    if (altered.length > 0) return { files: {}, altered };
    const files = Object.fromEntries(open.map(({ name, file }) => [name, file.finish()]));
    const timing = writeSheet(folder, 'timing.csv', timingColumns, records.map((record) => record.timing).join(''));
    const failed = failures.map(({ cell_id, status, attempts, error, log }) => ({
      cell_id,
      status,
      attempts,
      error,
      log,
    }));
    const lost = writeSheet(folder, 'failures.csv', failureColumns, csvText(failureColumns, failed));
    return { files: { ...files, 'timing.csv': timing, 'failures.csv': lost }, altered };
  } finally {
    for (const { file } of open) file.abandon();
  }
}

function writeSheet(folder: string, name: string, columns: Column[], rows: string): Written {
  return writeDurably(join(folder, name), Buffer.from(headerText(columns) + rows));
}
