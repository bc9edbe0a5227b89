import { quantile } from '../stats/quantile.ts';
import type { Curve } from './curve.ts';

export interface AxisRange {
  domain: readonly [number, number];
  log: boolean;
  /** d3-format of the ticks. */
  format: string;
  /** Set where something lies above the frame: the value at its upper edge. */
  cutAt: number | undefined;
}

/** A loss beyond this many times the largest start has exploded: how far is of no interest, and would flatten the rest. */
const EXPLODED = 4;
/** A norm beyond this many times what all but a few are has exploded. */
const RARE = { quantile: 0.95, ratio: 1000 };
/** Room above the start, where every line explodes or falls. */
const HEADROOM = 1.2;
/** A positive quantity spanning more than this ratio is drawn on a log axis. */
const LOG_FROM = 30;

/** An axis that all of these curves fit on, so that panels can be compared; undefined where there is no point at all. */
export function axisRange(curves: readonly Curve[], kind: 'metric' | 'loss' | 'norm' | 'share'): AxisRange | undefined {
  const points = curves.flatMap((curve) => curve.points);
  const starts = curves.flatMap((curve) => curve.points.slice(0, 1).map((point) => point.mid));
  if (points.length === 0) return undefined;
  if (kind === 'share') return { domain: [0, 1.02], log: false, format: '.0%', cutAt: undefined };
  const low = least(points.map((point) => Math.min(point.low, point.mid)));
  const high = greatest(points.map((point) => Math.max(point.high, point.mid)));
  const explodes = kind === 'loss' || (kind === 'metric' && low > 0 && high > LOG_FROM * low);
  const start = greatest(starts);
  const mids = points.map((point) => point.mid);
  const calm = mids.filter((mid) => mid <= EXPLODED * start);
  const rare = kind === 'norm' ? RARE.ratio * quantile(mids, RARE.quantile) : Infinity;
  const cap = explodes ? Math.min(high, Math.max(HEADROOM * start, greatest(calm))) : Math.min(high, rare);
  // A cap that isn't above every value can only come from negative losses: then nothing is cut.
  const upper = cap > low ? cap : high;
  const cutAt = upper < high ? upper : undefined;
  const log = low > 0 && (kind === 'norm' || upper > LOG_FROM * low);
  if (log) return { domain: [low / 1.15, upper * 1.15], log, format: '~g', cutAt };
  const pad = (upper - low || Math.abs(upper) || 1) * 0.05;
  const isShare = kind === 'metric' && low >= 0 && high <= 1;
  return {
    domain: isShare ? [Math.max(0, low - pad), Math.min(1.02, upper + pad)] : [low - pad, upper + pad],
    log,
    format: tickFormat(Math.max(Math.abs(low), Math.abs(upper))),
    cutAt,
  };
}

/** d3's `~g` would write 20 as 2e+1 where all ticks have one digit. @param extent largest size on a linear axis */
export const tickFormat = (extent: number): string => (extent >= 1e6 ? '~g' : extent < 1e-4 ? '~e' : '~r');

// Spreading hundreds of thousands of numbers into Math.min would overflow the stack.
const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
