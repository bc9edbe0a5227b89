/** A result against how often a strategy clipped, in panels side by side: the one axis that thresholds of all strategies share. */
import type { TopLevelSpec } from 'vega-lite';
import { color, type Stroke } from '../palette.ts';
import { type Panel, panelWidth, short, sideBySide } from './frame.ts';
import { legendLayout, legendOf } from './legend.ts';

export interface ClipRateLine {
  label: string;
  stroke: Stroke;
  /** A threshold each, from the smallest; `rate` is the share of steps on which it clipped. */
  points: { rate: number; mid: number; low: number; high: number }[];
}

export interface ClipRateTable {
  panels: { title: string; lines: ClipRateLine[]; reference: { label: string; value: number } | undefined }[];
  columns: number;
  y: { title: string; domain: readonly [number, number]; log: boolean; format: string };
}

const HEIGHT = 190;

export function clipRates({ panels, columns: most, y }: ClipRateTable): TopLevelSpec {
  const columns = Math.min(most, panels.length);
  const width = panelWidth(columns);
  const namesOf = ({ lines, reference }: ClipRateTable['panels'][number]) => [
    ...(reference === undefined ? [] : [reference.label]),
    ...lines.map(({ label }) => label),
  ];
  const rows = Math.max(...panels.map((panel) => legendLayout(namesOf(panel), width).rows));
  return sideBySide(
    panels.map((panel, i): Panel => {
      const x = {
        field: 'rate',
        type: 'quantitative' as const,
        scale: { domain: [0, 1], nice: false, padding: 8 },
        axis: { title: 'share of steps clipped', grid: false, format: '.0%', tickCount: 5 },
      };
      const vertical = {
        type: 'quantitative' as const,
        scale: { domain: [...y.domain], nice: false, ...(y.log ? { type: 'log' as const } : { zero: false }) },
        axis: { title: i % columns === 0 ? y.title : null, tickCount: 4, format: y.format },
      };
      const points = panel.lines.flatMap(({ label: line, stroke, points: own }) =>
        own.map((point, rank) => ({ ...point, rank, line, color: stroke.color })),
      );
      const { reference } = panel;
      // The reference has an entry in the legend and stands as a line of its own.
      const names = namesOf(panel);
      const range = [
        ...(reference === undefined ? [] : [color('reference')]),
        ...panel.lines.map(({ stroke }) => stroke.color),
      ];
      const strokes = {
        field: 'line',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: names, range },
        legend: legendOf(names, width, rows),
      };
      return {
        width,
        height: HEIGHT,
        title: { text: short(panel.title, Math.floor(width / 7)) },
        layer: [
          {
            data: { values: reference === undefined ? [] : [{ mid: reference.value, line: reference.label }] },
            mark: { type: 'rule', strokeWidth: 1.5 },
            encoding: { y: { ...vertical, field: 'mid' }, color: strokes },
          },
          {
            data: { values: points.filter(({ low, high }) => low < high) },
            mark: { type: 'rule', clip: true, strokeWidth: 1.2, opacity: 0.6 },
            encoding: { x, y: { ...vertical, field: 'low' }, y2: { field: 'high' }, stroke: literal },
          },
          {
            data: { values: points },
            mark: { type: 'line', clip: true, strokeWidth: 1.2, opacity: 0.8 },
            encoding: {
              x,
              y: { ...vertical, field: 'mid' },
              color: strokes,
              order: { field: 'rank', type: 'quantitative' },
            },
          },
          {
            data: { values: points },
            mark: { type: 'point', clip: true, filled: true, size: 34, opacity: 1 },
            encoding: { x, y: { ...vertical, field: 'mid' }, fill: literal },
          },
        ],
      };
    }),
    columns,
  );
}

const literal = { field: 'color', type: 'nominal' as const, scale: null };
