/**
 * Lines over steps with bands over seeds, in panels side by side: loss, metric, clip rate and gradient norm are all drawn
 * by this one.
 */
import type { TopLevelSpec } from 'vega-lite';
import type { Curve } from '../curve.ts';
import { color, type Stroke } from '../palette.ts';
import { type Layer, type Panel, panelWidth, short, sideBySide } from './frame.ts';
import { placeLabels } from './labels.ts';
import { legendLayout, legendOf } from './legend.ts';
import { logTicks } from './log-ticks.ts';

export interface Line {
  /** Name in the legend; lines with the same name share it. */
  label: string;
  stroke: Stroke;
  curve: Curve;
  /** `faint` lines have no legend entry, no band and no marks: they go with the line of the same colour. */
  faint?: boolean;
}

export interface CurvePanel {
  title: string;
  /** Under the title: what the legend's entries are values of. */
  subtitle: string;
  lines: Line[];
}

export interface CurveTable {
  panels: CurvePanel[];
  columns: number;
  steps: number;
  /** Values hold until the next one, as of what happens run by run. */
  stepped?: boolean;
  /** What is counted along it, where it isn't training steps. */
  x?: { title: string; format: string };
  y: { title: string; domain: readonly [number, number]; log: boolean; format: string };
}

const HEIGHT = 150;

export function curves(table: CurveTable): TopLevelSpec {
  const columns = Math.min(table.columns, table.panels.length);
  const width = panelWidth(columns);
  const rows = Math.max(...table.panels.map((panel) => legendLayout(labelsOf(panel.lines), width).rows));
  return sideBySide(
    table.panels.map((panel, index) => curvePanel(panel, table, width, rows, index % columns === 0)),
    columns,
  );
}

function curvePanel(panel: CurvePanel, table: CurveTable, width: number, rows: number, first: boolean): Panel {
  const full = panel.lines.filter((line) => line.faint !== true);
  const lines = scaled(full, legendOf(labelsOf(full), width, rows));
  const scales = axes(table, first);
  const { x, y } = scales;
  const shape = table.stepped === true && { interpolate: 'step-after' as const };
  return {
    width,
    height: HEIGHT,
    title: { text: short(panel.title, Math.floor(width / 7)), subtitle: short(panel.subtitle, Math.floor(width / 6)) },
    layer: [
      {
        data: { values: full.flatMap(bandOf) },
        mark: { type: 'area', clip: true, fillOpacity: 0.16, strokeWidth: 0, ...shape },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, fill: literal, detail: { field: 'line' } },
      },
      {
        data: { values: points(panel.lines.filter((line) => line.faint === true)) },
        mark: { type: 'line', clip: true, strokeWidth: 1.2, strokeDash: [1, 2] },
        encoding: { x, y: { ...y, field: 'mid' }, stroke: literal, detail: { field: 'line' } },
      },
      {
        data: { values: points(full) },
        mark: { type: 'line', clip: true, strokeWidth: 1.8, ...shape },
        encoding: { x, y: { ...y, field: 'mid' }, color: lines.color, strokeDash: lines.dash },
      },
      ...dropLayers(full, scales, table, width),
    ],
  };
}

const labelsOf = (lines: readonly Line[]) => lines.filter((line) => line.faint !== true).map(({ label }) => label);

/** The colour stands in the data. Given to `fill` or `stroke`: as `color` it would keep the legend of the lines from merging with their dashes. */
const literal = { field: 'color', type: 'nominal' as const, scale: null };

const points = (lines: readonly Line[]) =>
  lines.flatMap(({ label: line, stroke, curve }) =>
    curve.points.map(({ step, mid, low, high, bySeed }) => ({
      step,
      mid,
      low,
      high,
      line,
      color: stroke.color,
      ...(bySeed && { by_seed: bySeed }),
    })),
  );

/** From where a line has a band to where it last has one: left out between, points without width would be jumped over. */
function bandOf(line: Line) {
  const all = points([line]);
  const isWide = ({ low, high }: { low: number; high: number }) => low < high;
  const first = all.findIndex(isWide);
  return first < 0 ? [] : all.slice(first, all.findLastIndex(isWide) + 1);
}

function axes({ steps, x = { title: 'step', format: '~s' }, y }: CurveTable, first: boolean) {
  const ticks = y.log ? { values: logTicks(y.domain) } : { tickCount: 4 };
  return {
    x: {
      field: 'step',
      type: 'quantitative' as const,
      scale: { domain: [0, steps], nice: false },
      axis: { ...x, grid: false, tickCount: 4 },
    },
    y: {
      type: 'quantitative' as const,
      scale: { domain: [...y.domain], nice: false, ...(y.log ? { type: 'log' as const } : { zero: false }) },
      axis: { title: first ? y.title : null, format: y.format, ...ticks },
    },
  };
}

/** Colour and dash of each line, with one legend for both. */
function scaled(lines: readonly Line[], legend: { columns: number; offset: number }) {
  const field = { field: 'line', type: 'nominal' as const, sort: null, legend };
  const domain = lines.map((line) => line.label);
  const dashes = lines.map((line) => (line.stroke.dash.length > 0 ? line.stroke.dash : [1, 0]));
  return {
    color: { ...field, scale: { domain, range: lines.map((line) => line.stroke.color) } },
    dash: { ...field, scale: { domain, range: dashes } },
  };
}

/** Crosses where seeds diverged, and beside the last cross of a line how many seeds are left. */
function dropLayers(
  lines: readonly Line[],
  { x, y }: ReturnType<typeof axes>,
  table: CurveTable,
  width: number,
): Layer[] {
  const toY = position(table.y.domain, table.y.log);
  // A line that has left the frame keeps its cross, on the frame.
  const drops = lines.flatMap((line) =>
    line.curve.drops.map((drop) => ({ ...drop, mid: toY.value(toY.share(drop.mid)), color: line.stroke.color })),
  );
  if (drops.length === 0) return [];
  const labels = lines.flatMap(({ curve }) => {
    const last = curve.drops.at(-1);
    if (last === undefined) return [];
    const text = `${curve.left}/${curve.seeds}`;
    return [{ x: (last.step / table.steps) * width + 4, y: (1 - toY.share(last.mid)) * HEIGHT - 9, text }];
  });
  const placed = placeLabels(labels, width, HEIGHT).map((label) => ({
    text: label.text,
    step: (label.x / width) * table.steps,
    mid: toY.value(1 - label.y / HEIGHT),
  }));
  const at = { x, y: { ...y, field: 'mid' } };
  // Twice: first as a halo, so that it can be read across a line.
  const text = (look: { color: string } | { stroke: string; strokeWidth: number; strokeJoin: 'round' }): Layer => ({
    data: { values: placed },
    mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 10, fontWeight: 600, ...look },
    encoding: { ...at, text: { field: 'text', type: 'nominal' } },
  });
  return [
    {
      data: { values: drops },
      mark: {
        type: 'point',
        shape: 'M-1,-1L1,1M1,-1L-1,1',
        size: 28,
        strokeWidth: 1.8,
        filled: false,
      },
      encoding: { ...at, stroke: literal },
    },
    text({ stroke: color('paper'), strokeWidth: 3, strokeJoin: 'round' }),
    text({ color: color('ink') }),
  ];
}

/** Between a value and its share of the axis, both ways. */
function position([low, high]: readonly [number, number], log: boolean) {
  const to = (value: number) => (log ? Math.log(value) : value);
  return {
    share: (value: number) => Math.max(0, Math.min(1, (to(value) - to(low)) / (to(high) - to(low)))),
    value: (share: number) => {
      const at = to(low) + share * (to(high) - to(low));
      return log ? Math.exp(at) : at;
    },
  };
}
