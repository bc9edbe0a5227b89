/** A result over learning rates, a line for each configuration, in panels side by side. */
import type { TopLevelSpec } from 'vega-lite';
import type { Stroke } from '../palette.ts';
import { type Layer, type Panel, panelWidth, short, sideBySide } from './frame.ts';
import { legendLayout, legendOf } from './legend.ts';

export interface RateLine {
  label: string;
  stroke: Stroke;
  /** Ascending. `mid` isn't finite where half of the seeds or more diverged; `low` and `high` are of those that completed. */
  points: { rate: number; mid: number; low: number; high: number; diverged: number; seeds: number }[];
}

export interface RateTable {
  panels: { title: string; subtitle: string; lines: RateLine[] }[];
  columns: number;
  y: { title: string; domain: readonly [number, number]; log: boolean; format: string };
}

const HEIGHT = 160;

export function rates({ panels, columns: most, y }: RateTable): TopLevelSpec {
  const columns = Math.min(most, panels.length);
  const width = panelWidth(columns);
  const rows = Math.max(...panels.map(({ lines }) => legendLayout(labelsOf(lines), width).rows));
  const xs = panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ rate }) => rate)));
  const domain: [number, number] = [Math.min(...xs), Math.max(...xs)];
  return sideBySide(
    panels.map((panel, i): Panel => {
      const x = {
        field: 'rate',
        type: 'quantitative' as const,
        scale: { type: 'log' as const, domain, nice: false, padding: 8 },
        axis: { title: 'learning rate', grid: false, values: [...new Set(xs)].sort((a, b) => a - b), format: '~g' },
      };
      const vertical = {
        type: 'quantitative' as const,
        scale: { domain: [...y.domain], nice: false, ...(y.log ? { type: 'log' as const } : { zero: false }) },
        axis: { title: i % columns === 0 ? y.title : null, tickCount: 4, format: y.format },
      };
      const field = {
        field: 'line',
        type: 'nominal' as const,
        sort: null,
        legend: legendOf(labelsOf(panel.lines), width, rows),
      };
      const names = panel.lines.map(({ label }) => label);
      const strokes = {
        color: { ...field, scale: { domain: names, range: panel.lines.map(({ stroke }) => stroke.color) } },
        strokeDash: {
          ...field,
          scale: { domain: names, range: panel.lines.map(({ stroke: { dash } }) => (dash.length > 0 ? dash : [1, 0])) },
        },
      };
      const all = panel.lines.flatMap(({ label: line, stroke, points }) =>
        points.map((point) => ({ ...point, line, color: stroke.color })),
      );
      const drawn = all.filter(({ mid }) => Number.isFinite(mid));
      return {
        width,
        height: HEIGHT,
        title: {
          text: short(panel.title, Math.floor(width / 7)),
          subtitle: short(panel.subtitle, Math.floor(width / 6)),
        },
        layer: [
          {
            data: { values: drawn.filter(({ low, high }) => low < high) },
            mark: { type: 'rule', clip: true, strokeWidth: 1.2, opacity: 0.6 },
            encoding: { x, y: { ...vertical, field: 'low' }, y2: { field: 'high' }, stroke: literal },
          },
          {
            data: { values: drawn },
            mark: { type: 'line', clip: true, strokeWidth: 1.8 },
            encoding: { x, y: { ...vertical, field: 'mid' }, ...strokes },
          },
          {
            data: { values: drawn },
            mark: { type: 'point', clip: true, filled: true, size: 26, opacity: 1 },
            encoding: { x, y: { ...vertical, field: 'mid' }, fill: literal },
          },
          ...crosses(panel.lines, x, vertical, y),
        ],
      };
    }),
    columns,
  );
}

const labelsOf = (lines: readonly RateLine[]) => lines.map(({ label }) => label);

const literal = { field: 'color', type: 'nominal' as const, scale: null };

/** At the lower edge where a configuration has no median, one above the other where several have none at a rate. */
function crosses(
  lines: readonly RateLine[],
  x: Record<string, unknown>,
  y: Record<string, unknown>,
  { domain }: RateTable['y'],
): Layer[] {
  const before = new Map<number, number>();
  const lost = lines.flatMap(({ stroke, points }) =>
    points
      .filter(({ mid }) => !Number.isFinite(mid))
      .map(({ rate }) => {
        const rank = before.get(rate) ?? 0;
        before.set(rate, rank + 1);
        return { rate, at: domain[0], color: stroke.color, rank };
      }),
  );
  return [...new Set(lost.map(({ rank }) => rank))].map((rank) => ({
    data: { values: lost.filter((cross) => cross.rank === rank) },
    mark: {
      type: 'point',
      shape: 'M-1,-1L1,1M1,-1L-1,1',
      size: 28,
      strokeWidth: 1.8,
      filled: false,
      yOffset: -7 - 10 * rank,
    },
    encoding: { x: { ...x, field: 'rate' }, y: { ...y, field: 'at' }, stroke: literal },
  }));
}
