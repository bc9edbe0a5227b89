/** How many runs of each configuration diverged, with Wilson intervals, one panel for each setting. */
import type { TopLevelSpec } from 'vega-lite';
import { color, type Stroke } from '../palette.ts';
import { type Panel, panelWidth, short, shortNames, sideBySide } from './frame.ts';

export interface DivergenceBar {
  name: string;
  stroke: Stroke;
  diverged: number;
  runs: number;
  /** 95 % interval for the share, 0 .. 1. */
  low: number;
  high: number;
}

export interface DivergenceTable {
  panels: { title: string; bars: DivergenceBar[] }[];
}

const ROW = 20;

export function divergence({ panels }: DivergenceTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  return sideBySide(
    panels.map((panel): Panel => {
      const names = shortNames(
        panel.bars.map((bar) => bar.name),
        26,
      );
      const bars = panel.bars.map((bar) => ({
        name: names.get(bar.name),
        share: bar.diverged / bar.runs,
        low: bar.low,
        high: bar.high,
        text: `${bar.diverged}/${bar.runs}`,
        color: bar.stroke.color,
      }));
      const y = {
        field: 'name',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: [...names.values()] },
        axis: { title: null, domain: false, ticks: false, labelColor: color('ink') },
      };
      const scale = { domain: [0, 1], nice: false };
      const x = {
        field: 'share',
        type: 'quantitative' as const,
        scale,
        axis: { title: 'share of runs that diverged', format: '.0%', tickCount: 4 },
      };
      return {
        width: panelWidth(columns) - 60,
        height: { step: ROW },
        title: { text: short(panel.title, 60) },
        data: { values: bars },
        layer: [
          {
            mark: { type: 'bar', height: 9, fillOpacity: 0.75 },
            encoding: { x, y, color: { field: 'color', type: 'nominal', scale: null } },
          },
          {
            mark: { type: 'rule', strokeWidth: 1.2, color: color('ink') },
            encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
          },
          {
            mark: { type: 'text', align: 'left', baseline: 'middle', dx: 5, fontSize: 11, color: color('ink') },
            encoding: { x: { ...x, field: 'high' }, y, text: { field: 'text', type: 'nominal' } },
          },
        ],
      };
    }),
    columns,
  );
}
