/** How gradient norms spread over steps, before clipping and after it: two bars for each configuration, in panels side by side. */
import type { TopLevelSpec } from 'vega-lite';
import { color, type Stroke } from '../palette.ts';
import { type Layer, type Panel, panelWidth, short, shortNames, sideBySide } from './frame.ts';
import { logTicks } from './log-ticks.ts';

export interface NormRow {
  name: string;
  stroke: Stroke;
  /** 5, 25, 50, 75 and 95 % of the steps. */
  before: readonly number[];
  after: readonly number[];
}

export interface NormTable {
  panels: { title: string; rows: NormRow[] }[];
}

const ROW = 24;
/** Of a bar from the middle of its row. */
const OFFSET = 5;

export function normSpread({ panels }: NormTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  const all = panels.flatMap(({ rows }) => rows.flatMap(({ before, after }) => [...before, ...after]));
  const domain: [number, number] = [Math.min(...all) / 1.1, Math.max(...all) * 1.1];
  return sideBySide(
    panels.map(({ title, rows }): Panel => {
      const names = shortNames(
        rows.map(({ name }) => name),
        26,
      );
      const y = {
        field: 'name',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: [...names.values()] },
        axis: { title: null, domain: false, ticks: false, labelColor: color('ink') },
      };
      const x = {
        type: 'quantitative' as const,
        scale: { type: 'log' as const, domain, nice: false },
        axis: { title: 'gradient norm', grid: true, values: logTicks(domain), format: '~g' },
      };
      const valuesOf = (when: 'before' | 'after') =>
        rows.map((row) => {
          const [least, low, mid, high, most] = row[when];
          return {
            name: names.get(row.name),
            when,
            least,
            low,
            mid,
            high,
            most,
            color: when === 'before' ? color('reference') : row.stroke.color,
          };
        });
      const bars = (when: 'before' | 'after', yOffset: number): Layer[] => {
        const stroke = { field: 'color', type: 'nominal' as const, scale: null };
        const data = { values: valuesOf(when) };
        const rule = { type: 'rule' as const, yOffset, y2Offset: yOffset };
        return [
          {
            data,
            mark: { ...rule, strokeWidth: 1.3 },
            encoding: { x: { ...x, field: 'least' }, x2: { field: 'most' }, y, stroke },
          },
          {
            data,
            mark: { ...rule, strokeWidth: 5, opacity: 0.75 },
            encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, stroke },
          },
          {
            data,
            mark: { type: 'tick', thickness: 2, size: 9, yOffset, color: color('ink'), opacity: 1 },
            encoding: { x: { ...x, field: 'mid' }, y },
          },
        ];
      };
      return {
        width: panelWidth(columns) - 60,
        height: { step: ROW },
        title: { text: short(title, 60) },
        layer: [...bars('before', -OFFSET), ...bars('after', OFFSET)],
      };
    }),
    columns,
  );
}
