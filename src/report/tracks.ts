/**
 * Squeezes steps.csv and evals.csv, which may hold any number of rows, into at most 80 bins a run while they stream by.
 *
 * A bin of one run is the mean of its finite values (the geometric mean for norms, which live on a log axis). Its place
 * on the axis is the middle of the steps that fell into it.
 */
import type { Run } from './design.ts';
import { number, type Row, type Rows, required, text } from './row.ts';

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

/** The series to which a row contributes, by name, and its value. */
export type Extract = (row: Row) => readonly (readonly [series: string, value: number | undefined])[];

/** Series of positive values for which ratios matter. */
const geometric = new Set(['grad_norm', 'clipped_norm']);

export const stepSeries: Extract = (row) =>
  ['loss', 'grad_norm', 'clipped_norm', 'clipped_fraction'].map((column) => [column, number(row, column)] as const);

/** `val_loss`, `val_metric`, ... */
export const evalSeries: Extract = (row) =>
  ['loss', 'metric'].map((column) => [`${text(row, 'split')}_${column}`, number(row, column)] as const);

export async function collectTracks(rows: Rows, runs: readonly Run[], extract: Extract): Promise<Tracks> {
  const steps = new Map(runs.map((run) => [run.id, run.steps]));
  const tracks = new Map<string, Map<string, Track>>();
  const leftOut = new Map<string, LeftOut>();
  for await (const row of rows) {
    const id = text(row, 'cell_id');
    const planned = steps.get(id);
    if (planned === undefined) continue;
    const step = required(row, 'step');
    for (const [series, value] of extract(row)) {
      if (value === undefined) continue;
      const byRun = getOrMake(tracks, series, () => new Map<string, Track>());
      const track = getOrMake(byRun, id, () => emptyTrack(planned));
      const left = getOrMake(leftOut, series, () => ({ nonFinite: 0, nonPositive: 0 }));
      add(track, step, value, geometric.has(series), left);
    }
  }
  for (const [series, byRun] of tracks) for (const track of byRun.values()) finish(track, geometric.has(series));
  return { tracks, leftOut };
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
    value: filled(0),
    rows: new Uint32Array(length),
    finite: new Uint32Array(length),
    firstStep: filled(Infinity),
    lastStep: filled(-1),
  };
};

function add(track: Track, step: number, value: number, logarithmic: boolean, left: LeftOut): void {
  const bin = Math.floor(step / track.width);
  if (bin < 0 || bin >= track.rows.length) return;
  track.rows[bin] = (track.rows[bin] ?? 0) + 1;
  track.firstStep[bin] = Math.min(track.firstStep[bin] ?? step, step);
  track.lastStep[bin] = Math.max(track.lastStep[bin] ?? step, step);
  if (!Number.isFinite(value)) left.nonFinite += 1;
  else if (logarithmic && value <= 0) left.nonPositive += 1;
  else {
    track.finite[bin] = (track.finite[bin] ?? 0) + 1;
    track.value[bin] = (track.value[bin] ?? 0) + (logarithmic ? Math.log(value) : value);
  }
}

function finish(track: Track, logarithmic: boolean): void {
  track.value = track.value.map((sum, bin) => {
    const mean = sum / (track.finite[bin] ?? 0);
    return logarithmic ? Math.exp(mean) : mean;
  });
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
