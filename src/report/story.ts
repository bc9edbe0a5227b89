/** Everything that the sections tell about, worked out once. */
import type { Manifest } from '../manifest.ts';
import { type Declared, declaredComparison } from './comparison.ts';
import { type Design, design } from './design.ts';
import type { Row, Rows } from './row.ts';
import { type SignalSummary, summariseSignals } from './signals.ts';
import { isSmoke } from './smoke.ts';
import { collectTracks, evalSeries, stepSeries, type Tracks } from './tracks.ts';

/** The contents of a results folder: rows as they stand in the CSV files. */
export interface Results {
  manifest: Manifest;
  runs: Rows;
  steps: Rows;
  evals: Rows;
  signals: Rows;
  failures: Rows;
}

export interface Story {
  manifest: Manifest;
  /** A few steps to see that everything runs: no verdict and no chart, whatever the rows say. */
  smoke: boolean;
  /** Whether there is anything to compare and to draw. */
  compares: boolean;
  rows: Row[];
  design: Design;
  declared: Declared | undefined;
  steps: Tracks;
  evals: Tracks;
  signals: SignalSummary[];
  failures: Row[];
}

/** Reads each file once, front to back; only runs and failures are kept whole. */
export async function tellStory(results: Results): Promise<Story> {
  const { manifest } = results;
  const rows = await all(results.runs);
  const made = design(rows, manifest);
  const smoke = isSmoke(manifest, rows);
  return {
    manifest,
    smoke,
    compares: !smoke && made.runs.length > 0,
    rows,
    design: made,
    declared: declaredComparison(made, manifest),
    steps: await collectTracks(results.steps, made.runs, stepSeries),
    evals: await collectTracks(results.evals, made.runs, evalSeries),
    signals: await summariseSignals(results.signals, made),
    failures: await all(results.failures),
  };
}

async function all(rows: Rows): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}
