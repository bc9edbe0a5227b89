/** Times as multiples of one of them, a bar with its interval for each, over a band within which a difference is noise. */
import type { TopLevelSpec } from 'vega-lite';
import { tickFormat } from '../axis-range.ts';
import { color, strategyStroke } from '../palette.ts';
import { type Layer, type Panel, panelWidth, short, shortNames, sideBySide } from './frame.ts';
import { legendLayout, legendOf } from './legend.ts';
import { logTicks } from './log-ticks.ts';

/** What a bar's colour says; `again` has a bar without filling. */
export type Kind = 'slower' | 'faster' | 'not told apart' | 'variant' | 'base' | 'again';

export interface RatioRow {
  name: string;
  kind: Kind;
  estimate: number;
  low: number;
  high: number;
  /** The estimate as the page writes it. */
  label: string;
}

export interface RatioTable {
  panels: {
    title: string;
    rows: RatioRow[];
    /** Factor by which the same thing, measured twice, may differ. */
    noise: number | undefined;
  }[];
  unit: string;
}

/** Beyond, what is near 1 couldn't be seen: then the axis is logarithmic, with dots for bars. */
const LOG_FROM = 30;
/** An interval that reaches this many times further than any estimate is cut. */
const REACH = 1.6;

const colours: Record<Kind, string> = {
  slower: strategyStroke(1).color,
  faster: strategyStroke(2).color,
  'not told apart': strategyStroke(0).color,
  variant: strategyStroke(0).color,
  base: color('reference'),
  again: color('reference'),
};

export function ratios({ panels, unit }: RatioTable): TopLevelSpec {
  const columns = Math.min(2, panels.length);
  const all = panels.flatMap(({ rows }) => rows);
  const estimates = all.map(({ estimate }) => estimate);
  const [least, most] = [Math.min(1, ...estimates), Math.max(1, ...estimates)];
  const log = most > LOG_FROM * least;
  const reach = Math.min(REACH * most, Math.max(most, ...all.map(({ high }) => high)));
  // Room for the numbers on the right.
  const domain: [number, number] = log ? [least / 1.5, reach * (reach / least) ** 0.14] : [0, 1.14 * reach];
  const bounded = (value: number) => Math.min(Math.max(value, domain[0]), reach);
  const verdicts = (['faster', 'not told apart', 'slower'] as const).filter((kind) =>
    all.some((row) => row.kind === kind),
  );
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  return sideBySide(
    panels.map(({ title, rows, noise }): Panel => {
      const width = panelWidth(columns) - (columns === 1 ? 60 : 100);
      const names = shortNames(
        rows.map(({ name }) => name),
        columns === 1 ? 34 : 24,
      );
      const values = rows.map(({ name, kind, estimate, low, high, label }) => ({
        name: names.get(name),
        kind,
        estimate,
        low: bounded(low),
        high: bounded(high),
        label,
        edge: domain[1],
        color: colours[kind],
      }));
      const y = {
        field: 'name',
        type: 'nominal' as const,
        sort: null,
        scale: { domain: [...names.values()] },
        axis: { title: null, domain: false, ticks: false, labelColor: color('ink'), grid: log },
      };
      const x = {
        type: 'quantitative' as const,
        scale: { domain, nice: false, ...(log && { type: 'log' as const }) },
        axis: {
          title: unit,
          grid: !log,
          ...(log ? { values: logTicks(domain), format: '~g' } : { tickCount: 5, format: tickFormat(domain[1]) }),
        },
      };
      const literal = { field: 'color', type: 'nominal' as const, scale: null };
      const isHollow = ({ kind }: { kind: Kind }) => kind === 'again';
      const solid = values.filter((row) => !isHollow(row));
      const legend =
        verdicts.length === 0
          ? null
          : {
              ...legendOf(verdicts, width, legendLayout(verdicts, width).rows),
              values: verdicts,
              symbolType: 'square',
              symbolSize: 90,
            };
      const mark = log
        ? { type: 'point' as const, filled: true, size: 50, opacity: 1 }
        : { type: 'bar' as const, height: { band: 0.62 }, fillOpacity: 0.72 };
      return {
        width,
        height: { step: rows.length > 14 ? 15 : 20 },
        title: { text: short(title, columns === 1 ? 90 : 56) },
        layer: [
          ...bandOf(noise, x),
          ...lineOf(x),
          {
            data: { values: solid },
            mark,
            encoding: {
              x: { ...x, field: 'estimate' },
              y,
              color: {
                field: 'kind',
                type: 'nominal',
                scale: { domain: kinds, range: kinds.map((kind) => colours[kind]) },
                legend,
              },
            },
          },
          {
            data: { values: values.filter(isHollow) },
            mark: { ...mark, fillOpacity: 0, strokeWidth: 1.5, ...(log && { filled: false }) },
            encoding: { x: { ...x, field: 'estimate' }, y, stroke: literal },
          },
          {
            data: { values: values.filter(({ low, high }) => low < high) },
            mark: { type: 'rule', strokeWidth: 1.4, color: color('ink') },
            encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
          },
          {
            data: { values },
            mark: { type: 'text', align: 'right', baseline: 'middle', fontSize: 10, color: color('ink') },
            encoding: { x: { ...x, field: 'edge' }, y, text: { field: 'label', type: 'nominal' } },
          },
        ],
      };
    }),
    columns,
  );
}

/** What lies within it on both sides is no difference. */
function bandOf(noise: number | undefined, x: Record<string, unknown>): Layer[] {
  if (noise === undefined) return [];
  return [
    {
      data: { values: [{ from: 1 / noise, to: noise }] },
      mark: { type: 'rect', color: color('reference'), opacity: 0.18, clip: true },
      encoding: { x: { ...x, type: 'quantitative', field: 'from' }, x2: { field: 'to' } },
    },
  ];
}

/** No difference. */
const lineOf = (x: Record<string, unknown>): Layer[] => [
  {
    data: { values: [{ at: 1 }] },
    mark: { type: 'rule', color: color('reference'), strokeWidth: 1.5 },
    encoding: { x: { ...x, type: 'quantitative', field: 'at' } },
  },
];
