/** What strategies report of their own, in one line for each signal. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { numbersOf, rowsOf } from '../database/results.ts';
import type { Design } from './design.ts';
import { text } from './row.ts';

export interface SignalSummary {
  strategy: string;
  name: string;
  rows: number;
  nonFinite: number;
  /** Over finite values; NaN where there is none. */
  min: number;
  mean: number;
  max: number;
}

/** In the order of the matrix, and in it as they come. */
export async function summariseSignals(database: DuckDBConnection, { runs }: Design): Promise<SignalSummary[]> {
  const strategies = new Map(runs.map((run) => [run.id, text(run.row, 'strategy')]));
  const sql = `SELECT cell_id, name, count(*), count(*) FILTER (NOT isfinite(value)), min(value) FILTER (isfinite(value)),
    avg(value) FILTER (isfinite(value)), max(value) FILTER (isfinite(value)), min(rowid) AS place
    FROM (SELECT *, row_number() OVER () AS rowid FROM signals WHERE value IS NOT NULL) GROUP BY cell_id, name ORDER BY place`;
  const summaries = new Map<string, SignalSummary>();
  for await (const chunk of rowsOf(database, sql)) {
    for (const [id, name, ...numbers] of chunk) {
      const strategy = strategies.get(String(id));
      if (strategy === undefined) continue;
      const key = JSON.stringify([strategy, name]);
      const [rows = 0, nonFinite = 0, min = Infinity, mean = 0, max = -Infinity] = numbersOf(numbers);
      const before = summaries.get(key) ?? { strategy, name: String(name), rows: 0, nonFinite: 0, min, mean, max };
      const [here, earlier] = [rows - nonFinite, before.rows - before.nonFinite];
      summaries.set(key, {
        ...before,
        rows: before.rows + rows,
        nonFinite: before.nonFinite + nonFinite,
        min: Math.min(before.min, min),
        max: Math.max(before.max, max),
        // A weighted mean doesn't overflow where a sum could.
        mean: here === 0 ? before.mean : before.mean + (mean - before.mean) * (here / (here + earlier)),
      });
    }
  }
  return [...summaries.values()].map((summary) =>
    summary.rows > summary.nonFinite ? summary : { ...summary, min: Number.NaN, mean: Number.NaN, max: Number.NaN },
  );
}
