/**
 * Paired differences from the baseline: a dot for each seed, the Hodges-Lehmann estimate and its interval. Differences
 * without bound (one of the two runs diverged) stand as triangles at the edge.
 */
import type { TopLevelSpec } from 'vega-lite';
import { tickFormat } from '../axis-range.ts';
import { color, type Stroke } from '../palette.ts';
import { type Layer, type Panel, panelWidth, short, shortNames, sideBySide } from './frame.ts';

export interface Effect {
  name: string;
  stroke: Stroke;
  /** Positive is better. */
  differences: number[];
  /** Of the differences. */
  seeds: number[];
  estimate: number;
  low: number;
  high: number;
}

export interface EffectTable {
  panels: { title: string; unit: string; effects: Effect[] }[];
}

const ROW = 22;

export function effects({ panels }: EffectTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  return sideBySide(
    panels.map((panel) => effectPanel(panel, panelWidth(columns) - 60)),
    columns,
  );
}

function effectPanel({ title, unit, effects: all }: EffectTable['panels'][number], width: number): Panel {
  const { domain, edge } = frame(all.flatMap((effect) => effect.differences));
  const within = (value: number) => Math.max(edge.left, Math.min(edge.right, value));
  const names = shortNames(
    all.map((effect) => effect.name),
    26,
  );
  const rows = all.map((effect) => ({ ...effect, name: names.get(effect.name), color: effect.stroke.color }));
  const seeds = rows.flatMap(({ name, color: stroke, differences, seeds: own }) =>
    differences.flatMap((at, i) => (Number.isFinite(at) ? [{ name, color: stroke, at, seed: own[i] }] : [])),
  );
  const endless = rows.flatMap(({ name, color: stroke, differences }) =>
    [-1, 1].flatMap((sign) => {
      const seedsBeyond = differences.filter((difference) => difference === sign * Infinity).length;
      const mark = {
        name,
        color: stroke,
        at: sign > 0 ? edge.right : edge.left,
        text: `${seedsBeyond}\u00A0${seedsBeyond === 1 ? 'seed' : 'seeds'}`,
      };
      return seedsBeyond === 0 ? [] : [{ ...mark, shape: sign > 0 ? 'triangle-right' : 'triangle-left', sign }];
    }),
  );
  const bounded = rows.filter((row) => Number.isFinite(row.low) || Number.isFinite(row.high));
  const estimates = rows
    .filter((row) => Number.isFinite(row.estimate))
    .map(({ name, estimate }) => ({ name, at: estimate }));
  const y = {
    field: 'name',
    type: 'nominal' as const,
    sort: null,
    scale: { domain: [...names.values()] },
    axis: { title: null, domain: false, ticks: false, labelColor: color('ink'), grid: true },
  };
  const x = {
    field: 'at',
    type: 'quantitative' as const,
    scale: { domain, nice: false },
    axis: { title: unit, tickCount: 4, format: tickFormat(Math.max(...domain.map(Math.abs))), grid: false },
  };
  const literal = { field: 'color', type: 'nominal' as const, scale: null };
  const count = (sign: number): Layer => ({
    data: { values: endless.filter((mark) => mark.sign === sign) },
    mark: {
      type: 'text',
      align: sign > 0 ? 'left' : 'right',
      baseline: 'middle',
      dx: 6 * sign,
      fontSize: 10,
      color: color('muted'),
    },
    encoding: { x, y, text: { field: 'text', type: 'nominal' } },
  });
  return {
    width,
    height: { step: ROW },
    title: { text: short(title, 60) },
    layer: [
      {
        data: { values: [{ at: 0 }] },
        mark: { type: 'rule', color: color('reference'), strokeWidth: 1.5 },
        encoding: { x },
      },
      {
        data: { values: bounded.map(({ name, low, high }) => ({ name, low: within(low), high: within(high) })) },
        mark: { type: 'rule', strokeWidth: 1.6, color: color('ink') },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
      },
      {
        data: { values: estimates },
        mark: { type: 'tick', thickness: 2.5, size: 14, color: color('ink') },
        encoding: { x, y },
      },
      {
        data: { values: seeds },
        mark: { type: 'point', filled: false, size: 30, strokeWidth: 1.3 },
        encoding: { x, y, color: literal },
      },
      {
        data: { values: endless },
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { x, y, color: literal, shape: { field: 'shape', type: 'nominal', scale: null } },
      },
      count(1),
      count(-1),
    ],
  };
}

/** An axis with 0 on it and, where there are infinite differences, room at the edge for them. */
function frame(differences: readonly number[]): {
  domain: [number, number];
  edge: { left: number; right: number };
} {
  const finite = differences.filter(Number.isFinite);
  const extent = Math.max(...finite.map(Math.abs), 0) || 1;
  const low = Math.min(-0.12 * extent, ...finite);
  const high = Math.max(0.12 * extent, ...finite);
  const beyond = (sign: number) => (differences.includes(sign * Infinity) ? 0.3 : 0.06) * (high - low);
  const domain: [number, number] = [low - beyond(-1), high + beyond(1)];
  // The triangles stand apart from the finite values, with their count between them and the frame.
  return { domain, edge: { left: low - 0.1 * (high - low), right: high + 0.1 * (high - low) } };
}
