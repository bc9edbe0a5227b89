/** Time of a call over a size, both logarithmic, a line for each variant, beside what copying as much memory takes. */
import type { TopLevelSpec } from 'vega-lite';
import { color, referenceStroke, type Stroke } from '../palette.ts';
import { type Panel, panelWidth, short, sideBySide } from './frame.ts';
import { legendLayout, legendOf } from './legend.ts';
import { logTicks } from './log-ticks.ts';

export interface GrowthLine {
  label: string;
  stroke: Stroke;
  /** Ascending; ms of a call with its interval. */
  points: { size: number; ms: number; low: number; high: number }[];
}

export interface GrowthTable {
  panels: { title: string; lines: GrowthLine[] }[];
  /** What grows. */
  over: string;
}

/** The stroke of copying: no strategy has it. */
export const copyStroke: Stroke = { color: referenceStroke.color, dash: [6, 4] };

const HEIGHT = 230;

export function growths({ panels, over }: GrowthTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  const width = panelWidth(columns) - (columns === 1 ? 0 : 14);
  const rows = Math.max(...panels.map(({ lines }) => legendLayout(labelsOf(lines), width).rows));
  const points = panels.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);
  const [least = 1, most = 1] = [sizes[0], sizes.at(-1)];
  const across: [number, number] = [least / 1.15, most * 1.15];
  const times = points.flatMap(({ ms, low, high }) => [ms, low, high]).filter((ms) => ms > 0 && Number.isFinite(ms));
  const up: [number, number] = [Math.min(...times) / 1.2, Math.max(...times) * 1.2];
  // Few sizes, such as of workers, are named one by one.
  const ticks = sizes.length <= 6 && most < 100 * least ? sizes : logTicks(across);
  return sideBySide(
    panels.map(({ title, lines }, i): Panel => {
      const x = {
        field: 'size',
        type: 'quantitative' as const,
        scale: { type: 'log' as const, domain: across, nice: false },
        axis: { title: over, grid: false, values: ticks, format: '~s' },
      };
      const y = {
        type: 'quantitative' as const,
        scale: { type: 'log' as const, domain: up, nice: false },
        axis: { title: i % columns === 0 ? 'ms a call' : null, values: logTicks(up), format: '~g' },
      };
      const labels = labelsOf(lines);
      const field = { field: 'line', type: 'nominal' as const, sort: null, legend: legendOf(labels, width, rows) };
      const strokes = {
        color: { ...field, scale: { domain: labels, range: lines.map(({ stroke }) => stroke.color) } },
        strokeDash: {
          ...field,
          scale: { domain: labels, range: lines.map(({ stroke: { dash } }) => (dash.length > 0 ? dash : [1, 0])) },
        },
      };
      const values = lines.flatMap(({ label: line, stroke, points: own }) =>
        own.map(({ size, ms, low, high }) => ({
          size,
          ms,
          low: Math.max(low, up[0]),
          high: Math.min(high, up[1]),
          line,
          color: stroke.color,
        })),
      );
      return {
        width,
        height: HEIGHT,
        title: { text: short(title, Math.floor(width / 7)) },
        layer: [
          {
            data: { values: values.filter(({ low, high }) => low < high) },
            mark: { type: 'rule', strokeWidth: 1.2, opacity: 0.6 },
            encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, stroke: literal },
          },
          {
            data: { values },
            mark: { type: 'line', strokeWidth: 1.8 },
            encoding: { x, y: { ...y, field: 'ms' }, ...strokes },
          },
          {
            data: { values },
            mark: { type: 'point', filled: true, size: 26, opacity: 1, stroke: color('paper'), strokeWidth: 0.5 },
            encoding: { x, y: { ...y, field: 'ms' }, fill: literal },
          },
        ],
      };
    }),
    columns,
  );
}

const labelsOf = (lines: readonly GrowthLine[]) => lines.map(({ label }) => label);

const literal = { field: 'color', type: 'nominal' as const, scale: null };
