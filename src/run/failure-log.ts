/** What became of cells that couldn't be had: a log of every lost attempt, and a record once a cell is given up. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintId } from '../engine/fingerprint.ts';
import type { Outcome } from './pool.ts';
import type { Segment } from './store.ts';
import type { Environment } from './worker-process.ts';

/** Of an error in a table, in characters. */
const SHOWN = 300;

/** @param open the segment for the records, opened only where there is one to write */
export function failureLog(folder: string, open: () => Segment) {
  let segment: Segment | undefined;
  return {
    attempt(cell_id: string, attempt: number, error: string, output: string): void {
      mkdirSync(join(folder, 'cells', 'logs'), { recursive: true });
      const head = `attempt ${attempt}, ended ${new Date().toISOString()}: ${error.trimEnd()}`;
      appendFileSync(join(folder, logOf(cell_id)), `${head}\n${output.trimEnd()}${output.trim() && '\n'}\n`);
    },
    failure({ cell_id, status, attempts, error = '' }: Outcome, environment: Environment | undefined): void {
      if (environment === undefined || status === 'completed' || status === 'diverged') return;
      segment ??= open();
      segment.fail({
        status,
        fingerprint: fingerprintId(environment.fingerprint),
        cell_id,
        attempts,
        error: error.split('\n', 1)[0]?.slice(0, SHOWN) ?? '',
        log: logOf(cell_id),
      });
    },
  };
}

/** Relative to the results folder. */
function logOf(cell_id: string): string {
  return `cells/logs/${cell_id}.log`;
}
