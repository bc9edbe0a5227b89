/** Everything that the sections tell about, worked out once. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { openResults, rowsOf } from '../database/results.ts';
import type { Manifest } from '../manifest.ts';
import { type Declared, declaredComparison } from './comparison.ts';
import { type Design, design } from './design.ts';
import { type NormCounts, normCounts } from './norm-bins.ts';
import { readResultSet } from './read.ts';
import type { Row } from './row.ts';
import { type SignalSummary, summariseSignals } from './signals.ts';
import { isSmoke } from './smoke.ts';
import { evalTracks, stepTracks, type Tracks } from './tracks.ts';

/** What runs.csv, failures.csv and manifest.json say. */
export interface Results {
  manifest: Manifest;
  /** A few steps to see that everything runs: no verdict and no chart, whatever the rows say. */
  smoke: boolean;
  /** Whether there is anything to compare and to draw. */
  compares: boolean;
  rows: readonly Row[];
  design: Design;
  declared: Declared | undefined;
  failures: readonly Row[];
}

export interface Story extends Results {
  steps: Tracks;
  evals: Tracks;
  signals: SignalSummary[];
  /** By id of the run. */
  norms: Map<string, NormCounts>;
  /** Milliseconds of a step, by id of the run; empty where timing.csv wasn't kept. */
  times: Map<string, number>;
}

/** @throws Finding when a CSV file isn't the one that was collected */
export async function readResults(folder: string): Promise<Results> {
  const { manifest, runs: rows, failures } = await readResultSet(folder);
  const made = design(rows, manifest);
  const smoke = isSmoke(manifest, rows);
  return {
    manifest,
    smoke,
    compares: !smoke && made.runs.length > 0,
    rows,
    design: made,
    declared: declaredComparison(made, manifest),
    failures,
  };
}

/**
 * What a results folder holds; only runs and failures are kept whole.
 *
 * @throws Finding when a CSV file isn't the one that was collected
 */
export async function tellStory(folder: string): Promise<Story> {
  const results = await readResults(folder);
  const database = await openResults([folder]);
  return {
    ...results,
    steps: await stepTracks(database, results.design.runs),
    evals: await evalTracks(database, results.design.runs),
    signals: await summariseSignals(database, results.design),
    norms: await normCounts(database, results.design.runs),
    times: await stepTimes(database),
  };
}

async function stepTimes(database: DuckDBConnection): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for await (const chunk of rowsOf(database, 'SELECT cell_id, ms_per_step FROM timing WHERE ms_per_step > 0')) {
    for (const [id, time] of chunk) times.set(String(id), Number(time));
  }
  return times;
}
