/** A quantity of each configuration with its interval: a dot or a bar in a row each, in panels side by side. */
import type { TopLevelSpec } from 'vega-lite';
import { tickFormat } from '../axis-range.ts';
import { color, type Stroke } from '../palette.ts';
import { type Layer, type Panel, panelWidth, short, shortNames, sideBySide } from './frame.ts';

export interface IntervalRow {
  name: string;
  stroke: Stroke;
  estimate: number;
  low: number;
  high: number;
}

export interface IntervalTable {
  panels: { title: string; unit: string; rows: IntervalRow[] }[];
  /** From 0, as a length. Else a dot. */
  bars: boolean;
  domain: readonly [number, number];
  /** What would be no difference. */
  rule?: number;
}

const ROW = 20;

export function intervals({ panels, bars, domain, rule }: IntervalTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  return sideBySide(
    panels.map(({ title, unit, rows }): Panel => {
      const names = shortNames(
        rows.map(({ name }) => name),
        26,
      );
      const values = rows.map(({ name, stroke, estimate, low, high }) => ({
        name: names.get(name),
        estimate,
        low,
        high,
        color: stroke.color,
      }));
      const y = {
        field: 'name',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: [...names.values()] },
        axis: { title: null, domain: false, ticks: false, labelColor: color('ink'), grid: !bars },
      };
      const x = {
        type: 'quantitative' as const,
        scale: { domain: [...domain], nice: false },
        axis: { title: unit, tickCount: 4, format: tickFormat(Math.max(...domain)), grid: bars },
      };
      const literal = { field: 'color', type: 'nominal' as const, scale: null };
      const line: Layer[] =
        rule === undefined
          ? []
          : [
              {
                data: { values: [{ at: rule }] },
                mark: { type: 'rule', color: color('reference'), strokeWidth: 1.5 },
                encoding: { x: { ...x, field: 'at' } },
              },
            ];
      return {
        width: panelWidth(columns) - 60,
        height: { step: ROW },
        title: { text: short(title, 60) },
        layer: [
          ...line,
          ...(bars
            ? [
                {
                  data: { values },
                  mark: { type: 'bar' as const, height: 9, fillOpacity: 0.75 },
                  encoding: { x: { ...x, field: 'estimate' }, y, color: literal },
                },
              ]
            : []),
          {
            data: { values },
            mark: { type: 'rule', strokeWidth: 1.4, ...(bars && { color: color('ink') }) },
            encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, ...(!bars && { stroke: literal }) },
          },
          ...(bars
            ? []
            : [
                {
                  data: { values },
                  mark: { type: 'point' as const, filled: true, size: 45, opacity: 1 },
                  encoding: { x: { ...x, field: 'estimate' }, y, color: literal },
                },
              ]),
        ],
      };
    }),
    columns,
  );
}
