/** From finished cells to CSV files, in matrix order. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { evalColumns, failureColumns, runColumns, signalColumns, stepColumns, timingColumns } from '../columns.ts';
import { Finding } from '../types.ts';
import type { Outcome } from './pool.ts';
import { type CellRecord, readText, textPath, writeAll, writeDurably } from './store.ts';
import { csvText, headerText } from './text.ts';

/**
 * Writes runs, steps, evals, signals and timing of these records, and the failures, each file in one move. One cell is
 * in memory at a time.
 *
 * @throws Finding naming the cells whose text isn't what their record says
 */
export function collect(folder: string, records: CellRecord[], failures: Outcome[]): void {
  const rows = { steps: stepColumns, evals: evalColumns, signals: signalColumns };
  const kinds = ['steps', 'evals', 'signals'] as const;
  const pathOf = (kind: (typeof kinds)[number]) => join(folder, `${kind}.csv`);
  // Named after this process: another one may be collecting the same folder.
  const temporaryOf = (kind: (typeof kinds)[number]) => `${pathOf(kind)}.${process.pid}.tmp`;
  const open = kinds.map((kind) => ({ kind, file: openSync(temporaryOf(kind), 'w') }));
  for (const { kind, file } of open) writeAll(file, Buffer.from(headerText(rows[kind])));
  const altered: string[] = [];
  for (const record of records) {
    const text = readText(folder, record);
    if (text === undefined) altered.push(textPath(folder, record.fingerprint, record.cell_id));
    else for (const { kind, file } of open) writeAll(file, text[kind]);
  }
  for (const { file } of open) {
    fsyncSync(file);
    closeSync(file);
  }
  if (altered.length > 0) {
    for (const kind of kinds) rmSync(temporaryOf(kind));
    const named = altered.slice(0, 5).join(', ') + (altered.length > 5 ? ', ...' : '');
    throw new Finding(
      `${folder}: the rows of ${altered.length} cells were altered after they were stored (${named}); delete these files and run again`,
    );
  }
  for (const kind of kinds) renameSync(temporaryOf(kind), pathOf(kind));
  const write = (name: string, text: string) => writeDurably(join(folder, name), Buffer.from(text));
  write('runs.csv', headerText(runColumns) + records.map(({ run }) => run).join(''));
  write('timing.csv', headerText(timingColumns) + records.map(({ timing }) => timing).join(''));
  const failed = failures.map(({ cell_id, attempts, error }) => ({ cell_id, attempts, error: error ?? '' }));
  write('failures.csv', headerText(failureColumns) + csvText(failureColumns, failed));
}
