/**
 * Squeezes steps.csv and evals.csv, which may hold any number of rows, into at most 80 bins a run: the database goes through each file once.
 *
 * A bin of one run is the mean of its finite values (the geometric mean for norms, which live on a log axis). Its place
 * on the axis is the middle of the steps that fell into it.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { numbersOf, rowsOf } from '../database/results.ts';
import type { Run } from './design.ts';
import { logSteps } from './logged.ts';

const MAX_BINS = 80;

/** One column of one run, bin by bin. */
export interface Track {
  /** Width of a bin in steps. */
  width: number;
  /** Mean of the finite values; NaN where there is none. */
  value: Float64Array;
  /** Rows that fell into the bin, and those of them with a finite value. */
  rows: Uint32Array;
  finite: Uint32Array;
  firstStep: Float64Array;
  lastStep: Float64Array;
}

/** What could not be drawn, for the caption. */
export interface LeftOut {
  nonFinite: number;
  /** Zeros and negative values where only positive ones have a logarithm. */
  nonPositive: number;
}

export interface Tracks {
  /** Name of the series -> id of the run -> track. */
  tracks: Map<string, Map<string, Track>>;
  leftOut: Map<string, LeftOut>;
}

/** Series of positive values for which ratios matter. */
const geometric = new Set(['grad_norm', 'clipped_norm']);

/** Leaves the table `logged` behind. */
export async function stepTracks(database: DuckDBConnection, runs: readonly Run[]): Promise<Tracks> {
  await logSteps(database, runs);
  return binned(database, runs, 'logged', "''", ['loss', 'grad_norm', 'clipped_norm', 'clipped_fraction', 'cosine']);
}

/** `val_loss`, `val_metric`, ... */
export function evalTracks(database: DuckDBConnection, runs: readonly Run[]): Promise<Tracks> {
  return binned(database, runs, 'evals', "split || '_'", ['loss', 'metric']);
}

async function binned(
  database: DuckDBConnection,
  runs: readonly Run[],
  table: string,
  prefix: string,
  columns: readonly string[],
): Promise<Tracks> {
  await database.run('CREATE OR REPLACE TEMP TABLE drawn (cell_id VARCHAR, width BIGINT)');
  const appender = await database.createAppender('drawn', undefined, 'temp');
  for (const { id, steps } of runs) {
    appender.appendVarchar(id);
    appender.appendBigInt(BigInt(binWidth(steps)));
    appender.endRow();
  }
  appender.closeSync();
  const planned = new Map(runs.map((run) => [run.id, run.steps]));
  const made: Tracks = { tracks: new Map(), leftOut: new Map() };
  const summaries = columns.map(summaryOf).join(', ');
  const id = table === 'logged' ? 'cell_id::run_id' : 'cell_id';
  const widths = `(SELECT ${id} AS cell_id, width FROM drawn)`;
  const sql = `SELECT cell_id, ${prefix}, step // width AS bin, ${summaries} FROM ${table} JOIN ${widths} USING (cell_id) GROUP BY ALL ORDER BY ALL`;
  for await (const chunk of rowsOf(database, sql)) {
    for (const [id, start, bin, ...all] of chunk) {
      const numbers = numbersOf(all);
      for (const [i, column] of columns.entries()) {
        const own = numbers.slice(i * SUMMARY, (i + 1) * SUMMARY);
        place(made, `${start}${column}`, String(id), Number(bin), planned.get(String(id)) ?? 0, own);
      }
    }
  }
  return made;
}

/** Numbers of a summary. */
const SUMMARY = 7;

/** Of the rows in a bin that have a value: how many, how many that can be drawn and their sum, the others, first and last step. */
function summaryOf(column: string): string {
  const isGeometric = geometric.has(column);
  const usable = `FILTER (isfinite(${column})${isGeometric ? ` AND ${column} > 0` : ''})`;
  // A logarithm is taken of what passes the filter alone.
  const summand = isGeometric ? `ln(CASE WHEN ${column} > 0 THEN ${column} ELSE 1 END)` : column;
  return [
    `count(${column})`,
    `count(*) ${usable}`,
    `coalesce(sum(${summand}) ${usable}, 0)`,
    `count(*) FILTER (NOT isfinite(${column}))`,
    isGeometric ? `count(*) FILTER (isfinite(${column}) AND ${column} <= 0)` : '0',
    `min(step) FILTER (${column} IS NOT NULL)`,
    `max(step) FILTER (${column} IS NOT NULL)`,
  ].join(', ');
}

function place(
  made: Tracks,
  series: string,
  id: string,
  bin: number,
  steps: number,
  summary: readonly (number | undefined)[],
): void {
  const [rows = 0, finite = 0, sum = 0, nonFinite = 0, nonPositive = 0, first = Infinity, last = -1] = summary;
  if (rows === 0) return;
  const byRun = getOrMake(made.tracks, series, () => new Map<string, Track>());
  const track = getOrMake(byRun, id, () => emptyTrack(steps));
  if (bin < 0 || bin >= track.rows.length) return;
  const left = getOrMake(made.leftOut, series, () => ({ nonFinite: 0, nonPositive: 0 }));
  left.nonFinite += nonFinite;
  left.nonPositive += nonPositive;
  track.rows[bin] = rows;
  track.finite[bin] = finite;
  track.firstStep[bin] = first;
  track.lastStep[bin] = last;
  track.value[bin] = geometric.has(series) ? Math.exp(sum / finite) : sum / finite;
}

/** 1, 2, 5, 10, 20, 50, ...: the smallest width that makes at most MAX_BINS bins. */
export function binWidth(steps: number): number {
  let width = 1;
  for (let factor = 0; Math.ceil((steps + 1) / width) > MAX_BINS; factor += 1) width *= factor % 3 === 1 ? 2.5 : 2;
  return width;
}

const emptyTrack = (steps: number): Track => {
  const width = binWidth(steps);
  const length = Math.floor(steps / width) + 1;
  const filled = (value: number) => new Float64Array(length).fill(value);
  return {
    width,
    value: filled(Number.NaN),
    rows: new Uint32Array(length),
    finite: new Uint32Array(length),
    firstStep: filled(Infinity),
    lastStep: filled(-1),
  };
};

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
