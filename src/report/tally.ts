/** What became of the planned runs. Counted from the CSV, so that every sentence agrees with the figures below it. */
import { text } from './row.ts';
import type { Results } from './story.ts';

export interface Tally {
  cells: number;
  completed: number;
  diverged: number;
  failed: number;
  /** Not run yet. */
  open: number;
}

export function tally({ manifest, rows, failures }: Pick<Results, 'manifest' | 'rows' | 'failures'>): Tally {
  const diverged = rows.filter((row) => text(row, 'status') === 'diverged').length;
  const failed = failures.length;
  const cells = Math.max(manifest.cells, rows.length + failed);
  return { cells, completed: rows.length - diverged, diverged, failed, open: cells - rows.length - failed };
}
