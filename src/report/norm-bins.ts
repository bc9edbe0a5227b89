/** How gradient norms spread over the steps of runs, before and after clipping, from counts by size: any number of rows take little memory. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { numbersOf, onAllCores, rowsOf } from '../database/results.ts';
import type { Run } from './design.ts';

/** Of a power of ten: quantiles are right to 6 %. */
const BINS = 20;

/** Steps by bin. */
type Counts = Map<number, number>;

export interface NormCounts {
  before: Counts;
  after: Counts;
}

/** By id of the run, from the table `logged` that `stepTracks` leaves. Only steps on which both norms are finite and positive. */
export async function normCounts(database: DuckDBConnection, runs: readonly Run[]): Promise<Map<string, NormCounts>> {
  const known = new Map(runs.map(({ id }) => [id, { before: new Map(), after: new Map() } satisfies NormCounts]));
  const bin = (column: string) => `floor(${BINS} * log10(${column}))::BIGINT`;
  const usable = ['grad_norm', 'clipped_norm'].map((column) => `isfinite(${column}) AND ${column} > 0`).join(' AND ');
  const sql = `SELECT cell_id, ${bin('grad_norm')} AS before, ${bin('clipped_norm')} AS after, count(*) AS steps FROM logged WHERE ${usable} GROUP BY ALL`;
  await onAllCores(database, () => database.run(`CREATE OR REPLACE TEMP TABLE counted AS ${sql}`));
  for await (const chunk of rowsOf(database, 'SELECT * FROM counted ORDER BY ALL')) {
    for (const [id, ...all] of chunk) {
      const own = known.get(String(id));
      const [before = 0, after = 0, count = 0] = numbersOf(all);
      if (own === undefined) continue;
      own.before.set(before, (own.before.get(before) ?? 0) + count);
      own.after.set(after, (own.after.get(after) ?? 0) + count);
    }
  }
  return known;
}

export interface Spread {
  /** 5, 25, 50, 75 and 95 % of all steps lie below. */
  quantiles: number[];
  steps: number;
}

/** Of the steps of several runs together; undefined where there is none. */
export function spreadOf(counts: readonly Counts[]): Spread | undefined {
  const all: Counts = new Map();
  for (const own of counts) for (const [bin, count] of own) all.set(bin, (all.get(bin) ?? 0) + count);
  const sorted = [...all].sort(([a], [b]) => a - b);
  const steps = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (steps === 0) return undefined;
  const quantiles = [0.05, 0.25, 0.5, 0.75, 0.95].map((share) => {
    let below = 0;
    const found = sorted.find(([, count]) => {
      below += count;
      return below >= share * steps;
    });
    return Math.exp((((found?.[0] ?? 0) + 0.5) / BINS) * Math.LN10);
  });
  return { quantiles, steps };
}
