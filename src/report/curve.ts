/** One line of a chart: a series of a configuration, summarised over its seeds. */
import { median, quantile } from '../stats/quantile.ts';
import type { Config, Run } from './design.ts';
import { binWidth, type Track } from './tracks.ts';

/** Up to this many seeds a band shows all of them; beyond, the middle 80 %. */
export const FULL_BAND = 10;

export interface CurvePoint {
  step: number;
  /** Median over all seeds, a diverged one counted as worse than any value. */
  mid: number;
  /** The band: smallest and largest (or 10 % and 90 %) of the seeds that still have a value. */
  low: number;
  high: number;
  /** The values of those seeds. */
  values: readonly number[];
  /** The value of each seed that has one, to draw it alone. */
  bySeed?: Readonly<Record<string, number>>;
}

export interface Drop {
  /** Where seeds were lost, on the line. */
  step: number;
  mid: number;
}

export interface Curve {
  points: CurvePoint[];
  drops: Drop[];
  /** Seeds with a value at the end, and seeds in all. */
  left: number;
  seeds: number;
}

/**
 * The curve of `config`. `worst` is where a diverged run ranks: Infinity for a loss, -Infinity for an accuracy. The line
 * ends where the median isn't finite any more, that is where half of the seeds are gone. A bin in which a live run has no
 * row (its evaluations fall elsewhere) is left out, so that no median is taken over part of the seeds.
 *
 * `mean` draws the mean of the seeds still running instead, for shares that are 0 or 1 at a single step; the line ends at
 * the same place.
 */
export function curveOf(
  config: Config,
  tracks: Map<string, Track> | undefined,
  worst: number,
  centre: 'median' | 'mean' = 'median',
): Curve {
  const runs = config.runs.map((run) => ({ run, track: tracks?.get(run.id) }));
  const length = Math.max(0, ...runs.map(({ track }) => track?.rows.length ?? 0));
  const curve: Curve = { points: [], drops: [], left: runs.length, seeds: runs.length };
  if (runs.every(({ track }) => track === undefined)) return { ...curve, left: 0 };
  let ended = false;
  for (let bin = 0; bin < length; bin += 1) {
    const values = runs.map(({ run, track }) => valueIn(run, track, bin, worst));
    const known = values.filter((value) => value !== undefined);
    const finite = known.filter(Number.isFinite);
    if (known.length < values.length) continue;
    const step = middle(
      runs.map(({ track }) => track),
      bin,
    );
    const mid = median(known);
    const before = curve.points.at(-1);
    if (finite.length < curve.left && !ended) {
      const at = Number.isFinite(mid) && step !== undefined ? { step, mid } : before;
      if (at !== undefined) curve.drops.push({ step: at.step, mid: at.mid });
    }
    curve.left = Math.min(curve.left, finite.length);
    if (!Number.isFinite(mid)) ended = true;
    if (ended || step === undefined) continue;
    const shown = centre === 'median' ? mid : finite.reduce((sum, value) => sum + value, 0) / finite.length;
    const bySeed = Object.fromEntries(
      runs.flatMap(({ run }, i) => (Number.isFinite(known[i]) ? [[run.seed, Number(known[i]?.toPrecision(4))]] : [])),
    );
    curve.points.push({ step, mid: shown, ...band(finite, curve.seeds), values: finite, bySeed });
  }
  return curve;
}

/** The curve for a frame that ends at `limit`: seeds beyond it are not in the band, which else would fill the frame. */
export function withinFrame(curve: Curve, limit: number): Curve {
  const points = curve.points.map((point) => {
    const inside = point.values.filter((value) => value <= limit);
    return inside.length === 0
      ? { ...point, low: point.mid, high: point.mid }
      : { ...point, ...band(inside, curve.seeds) };
  });
  return { ...curve, points };
}

function band(values: readonly number[], seeds: number): { low: number; high: number } {
  const tail = seeds > FULL_BAND ? 0.1 : 0;
  return { low: quantile(values, tail), high: quantile(values, 1 - tail) };
}

/** The run's value in a bin, `worst` where it has diverged, undefined where it simply has no row. */
function valueIn(run: Run, track: Track | undefined, bin: number, worst: number): number | undefined {
  const value = track?.value[bin];
  if (value !== undefined && Number.isFinite(value)) return value;
  if (track !== undefined && (track.rows[bin] ?? 0) > 0) return worst;
  return run.divergedAt !== undefined && (bin + 1) * binWidth(run.steps) > run.divergedAt ? worst : undefined;
}

/** The middle of the steps that fell into a bin, over all runs. */
function middle(tracks: readonly (Track | undefined)[], bin: number): number | undefined {
  const low = Math.min(...tracks.map((track) => track?.firstStep[bin] ?? Infinity));
  const high = Math.max(...tracks.map((track) => track?.lastStep[bin] ?? -1));
  return high < 0 ? undefined : (low + high) / 2;
}
