/** A dot for each process in a row for each variant: how far processes lie apart, and whether one was slow throughout. */
import type { TopLevelSpec } from 'vega-lite';
import { color, HUES, strategyStroke } from '../palette.ts';
import { type Panel, panelWidth, short, shortNames, sideBySide } from './frame.ts';
import { legendLayout, legendOf } from './legend.ts';

export interface StripRow {
  name: string;
  /** By process, from 0: its median as a multiple of the typical one. */
  values: number[];
}

export interface StripTable {
  panels: { title: string; rows: StripRow[] }[];
}

/** Beyond, as a factor, dots stand on the edge. */
const WIDEST = 2;

export function strips({ panels }: StripTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  const all = panels.flatMap(({ rows }) => rows.flatMap(({ values }) => values));
  const reach = Math.min(WIDEST, Math.max(1.02, ...all.map((value) => Math.max(value, 1 / value))) * 1.01);
  const most = Math.max(0, ...panels.flatMap(({ rows }) => rows.map(({ values }) => values.length)));
  const isTold = most <= HUES;
  return sideBySide(
    panels.map(({ title, rows }): Panel => {
      const width = panelWidth(columns) - (columns === 1 ? 60 : 100);
      const names = shortNames(
        rows.map(({ name }) => name),
        columns === 1 ? 34 : 24,
      );
      const values = rows.flatMap(({ name, values: own }) =>
        own.map((value, process) => ({
          name: names.get(name),
          process: `process ${process}`,
          value: Math.min(Math.max(value, 1 / reach), reach) - 1,
        })),
      );
      const processes = Array.from({ length: most }, (_, i) => `process ${i}`);
      const x = {
        type: 'quantitative' as const,
        scale: { domain: [1 / reach - 1, reach - 1], nice: false },
        axis: { title: 'difference from the typical process', tickCount: 5, format: '+.0~%' },
      };
      const y = {
        field: 'name',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: [...names.values()] },
        axis: { title: null, domain: false, ticks: false, labelColor: color('ink'), grid: true },
      };
      const shade = {
        field: 'process',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: processes, range: processes.map((_, i) => strategyStroke(i).color) },
        legend: {
          ...legendOf(processes, width, legendLayout(processes, width).rows),
          symbolType: 'circle',
          symbolSize: 60,
        },
      };
      const dot = { type: 'point' as const, filled: true, size: 34, opacity: 0.85 };
      return {
        width,
        height: { step: rows.length > 14 ? 14 : 18 },
        title: { text: short(title, columns === 1 ? 90 : 56) },
        layer: [
          {
            data: { values: [{ at: 0 }] },
            mark: { type: 'rule', color: color('reference'), strokeWidth: 1.5 },
            encoding: { x: { ...x, field: 'at' } },
          },
          {
            data: { values },
            mark: isTold ? dot : { ...dot, color: strategyStroke(0).color },
            encoding: { x: { ...x, field: 'value' }, y, ...(isTold && { color: shade }) },
          },
        ],
      };
    }),
    columns,
  );
}
