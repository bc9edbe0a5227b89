/** Metric by threshold (across) and setting (down), one panel for each strategy: their thresholds never share an axis. */
import type { TopLevelSpec } from 'vega-lite';
import { cellColors, color } from '../palette.ts';
import { textWidth } from '../text-width.ts';
import { type Layer, type Panel, short, shortNames, sideBySide } from './frame.ts';

export interface HeatmapCell {
  row: string;
  column: string;
  /** 0 worst to 1 best; undefined where no run has a value. */
  share: number | undefined;
  /** The value in words. */
  value: string;
  /** Runs that diverged, of all. */
  diverged: number;
  runs: number;
}

export interface HeatmapPanel {
  title: string;
  /** Name of the option across. */
  subtitle: string;
  columns: string[];
  cells: HeatmapCell[];
}

export interface HeatmapTable {
  rows: string[];
  panels: HeatmapPanel[];
}

const CELL = { width: 62, height: 42 };
/** A cell as wide as the longest part of a label below it, within reason. */
const WIDEST = 130;

/** Room for panels beside the labels of the rows. */
const ROOM = 920;

export function heatmap({ rows, panels }: HeatmapTable): TopLevelSpec {
  const names = shortNames(rows, 30);
  const table = {
    rows: [...names.values()],
    panels: panels.map((panel) => ({
      ...panel,
      cells: panel.cells.map((cell) => ({ ...cell, row: names.get(cell.row) ?? cell.row })),
    })),
  };
  const widest = Math.max(1, ...panels.map((panel) => panel.columns.length * cellWidth(panel) + 26));
  const columns = Math.max(1, Math.floor(ROOM / widest));
  return sideBySide(
    table.panels.map((panel, index) => heatmapPanel(panel, table, index % columns === 0)),
    columns,
  );
}

const cellWidth = ({ columns }: HeatmapPanel): number => {
  const parts = columns.flatMap((column) => column.split(', '));
  return Math.min(WIDEST, Math.max(CELL.width, ...parts.map((part) => textWidth(part, 11) + 10)));
};

function heatmapPanel(panel: HeatmapPanel, { rows }: HeatmapTable, first: boolean): Panel {
  const cells = panel.cells.map((cell) => {
    const colors = cell.share === undefined ? { fill: color('grid'), text: color('ink') } : cellColors(cell.share);
    return {
      ...cell,
      ...colors,
      note: cell.diverged === 0 ? '' : `×\u00A0${cell.diverged}/${cell.runs}`,
      middle: cell.diverged === 0,
    };
  });
  // The parts of a label below each other, the block centred on the row.
  const parts = Math.max(1, ...rows.map((row) => row.split(' · ').length));
  const lines = { labelExpr: "split(datum.label, ' · ')", labelLineHeight: 13, labelOffset: -6.5 * (parts - 1) };
  const x = {
    field: 'column',
    type: 'nominal' as const,
    sort: null,
    scale: { domain: panel.columns, padding: 0.04 },
    axis: {
      title: panel.subtitle,
      labelAngle: 0,
      domain: false,
      ticks: false,
      labelExpr: "split(datum.label, ', ')",
      labelLineHeight: 13,
    },
  };
  const y = {
    field: 'row',
    type: 'nominal' as const,
    sort: null,
    scale: { domain: rows, padding: 0.05 },
    axis: first ? { title: null, domain: false, ticks: false, labelColor: color('ink'), ...lines } : null,
  };
  const text = (field: string, dy: number, fontSize: number, values: typeof cells): Layer => ({
    data: { values },
    mark: { type: 'text', dy, fontSize, fontWeight: fontSize > 10 ? 600 : 400 },
    encoding: { x, y, text: { field, type: 'nominal' }, color: { field: 'text', type: 'nominal', scale: null } },
  });
  return {
    width: { step: cellWidth(panel) },
    height: { step: CELL.height },
    title: { text: short(panel.title, 40) },
    layer: [
      {
        data: { values: cells },
        mark: { type: 'rect', cornerRadius: 2 },
        encoding: { x, y, color: { field: 'fill', type: 'nominal', scale: null } },
      },
      ...hatching(
        cells.filter((cell) => cell.share === undefined),
        x,
        y,
      ),
      text(
        'value',
        0,
        12,
        cells.filter((cell) => cell.middle),
      ),
      text(
        'value',
        -6,
        12,
        cells.filter((cell) => !cell.middle),
      ),
      text(
        'note',
        9,
        10,
        cells.filter((cell) => !cell.middle),
      ),
    ],
  };
}

/** Diagonals across a cell in which every run diverged: seen without any colour. */
function hatching(cells: readonly { row: string; column: string }[], x: object, y: object): Layer[] {
  if (cells.length === 0) return [];
  return [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75].map((offset) => {
    const from = Math.max(0, offset - 1);
    const to = Math.min(1, offset);
    return {
      data: { values: [...cells] },
      mark: { type: 'rule', strokeWidth: 1, color: color('muted'), opacity: 0.45 },
      encoding: {
        x: { ...x, field: 'column', type: 'nominal', bandPosition: from },
        x2: { field: 'column', bandPosition: to },
        y: { ...y, field: 'row', type: 'nominal', bandPosition: to },
        y2: { field: 'row', bandPosition: from },
      },
    };
  });
}
