/** What each configuration costs against how good it is. */
import type { TopLevelSpec } from 'vega-lite';
import { tickFormat } from '../axis-range.ts';
import { color, type Stroke } from '../palette.ts';
import { panelWidth, short, sideBySide } from './frame.ts';
import { placeLabels } from './labels.ts';

export interface CostPoint {
  name: string;
  stroke: Stroke;
  cost: number;
  /** Ends of the cost's interval, where it has one. */
  least?: number;
  most?: number;
  quality: number;
  low: number;
  high: number;
}

export interface CostTable {
  points: CostPoint[];
  x: { title: string; domain: readonly [number, number] };
  y: { title: string; domain: readonly [number, number] };
}

const HEIGHT = 300;

export function cost({ points, x: across, y: up }: CostTable): TopLevelSpec {
  const width = panelWidth(1);
  const share = ([low, high]: readonly [number, number], value: number) => (value - low) / (high - low);
  const values = points.map(({ stroke, ...point }) => ({ ...point, color: stroke.color }));
  const sideways = values.filter(({ least, most }) => least !== undefined && most !== undefined && least < most);
  const labels = placeLabels(
    points.map((point) => ({
      text: short(point.name, 24),
      // Above the line of an interval, where there is one to the right.
      x: share(across.domain, point.cost) * width + (point.most === undefined ? 7 : 4),
      y: (1 - share(up.domain, point.quality)) * HEIGHT - (point.most === undefined ? 0 : 9),
    })),
    width,
    HEIGHT,
  ).map(({ text, x, y }) => ({
    text,
    cost: across.domain[0] + (x / width) * (across.domain[1] - across.domain[0]),
    quality: up.domain[1] - (y / HEIGHT) * (up.domain[1] - up.domain[0]),
  }));
  const axis = (title: string, [low, high]: readonly [number, number]) => ({
    type: 'quantitative' as const,
    scale: { domain: [low, high], nice: false, zero: false },
    axis: { title, tickCount: 5, format: tickFormat(high) },
  });
  const x = { ...axis(across.title, across.domain), field: 'cost' };
  const y = { ...axis(up.title, up.domain), field: 'quality' };
  const literal = { field: 'color', type: 'nominal' as const, scale: null };
  return sideBySide(
    [
      {
        width,
        height: HEIGHT,
        layer: [
          ...(sideways.length === 0
            ? []
            : [
                {
                  data: { values: sideways },
                  mark: { type: 'rule' as const, strokeWidth: 1.2, opacity: 0.7 },
                  encoding: { x: { ...x, field: 'least' }, x2: { field: 'most' }, y, stroke: literal },
                },
              ]),
          {
            data: { values },
            mark: { type: 'rule', strokeWidth: 1.2, opacity: 0.7 },
            encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, stroke: literal },
          },
          {
            data: { values },
            mark: { type: 'point', filled: true, size: 50, opacity: 1 },
            encoding: { x, y, color: literal },
          },
          {
            data: { values: labels },
            mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 10, color: color('ink') },
            encoding: { x, y, text: { field: 'text', type: 'nominal' } },
          },
        ],
      },
    ],
    1,
  );
}
