/** Lines over the size that grows: rows that differ in nothing else share one. Pure. */
import { copyStroke, type GrowthLine } from '../charts/growths.ts';
import { chunks } from '../lines.ts';
import { HUES, strategyStroke } from '../palette.ts';
import { number, text } from '../row.ts';
import { words } from '../vary.ts';
import { COPY, type Entry, type Group } from './entry.ts';

/** What a page has to draw; the rest is in the table of variants. */
const MOST_PANELS = 12;

export interface Grown {
  panels: { title: string; lines: GrowthLine[] }[];
  /** Panels that are left out. */
  left: number;
}

/** What all rows of a panel share, beside the size. */
const shared = ['backend', 'engine', 'numerics', 'task', 'model', 'optimizer', 'batch_size'];
/** Numbers that a gradient made up has; those of a model grow together. */
const shapes = ['entries', 'tensors'];
const spreads = ['workers', 'cells'];

/** At one size alone nothing grows: such a line is left out. */
export function grownOver(groups: readonly Group[], over: string): Grown {
  const rows = groups
    .flatMap(({ entries }) => entries)
    .filter(({ role, row }) => role !== 'again' && sizeOf(row, over));
  const own = rows.filter(({ role }) => role !== 'reference');
  const keys = [...new Set(own.map((entry) => keyOf(entry, over)))];
  const all = keys.flatMap((key) => {
    const members = own.filter((entry) => keyOf(entry, over) === key);
    const where = new Set(members.map(({ group }) => group));
    const copies = rows.filter(
      ({ role, variant, group }) => role === 'reference' && variant === COPY && where.has(group),
    );
    const names = [...new Set(members.map((entry) => nameOf(entry, over)))];
    const lines = names.flatMap((name) => {
      const points = pointsOf(
        members.filter((entry) => nameOf(entry, over) === name),
        over,
      );
      return points.length < 2 ? [] : [{ label: name, points }];
    });
    const copied = pointsOf(copies, over);
    const dashed: GrowthLine[] = copied.length < 2 ? [] : [{ label: COPY, stroke: copyStroke, points: copied }];
    return chunks(lines, HUES).map((part) => ({
      title: titleOf(members, keys.length > 1),
      lines: [...part.map((line, i) => ({ ...line, stroke: strategyStroke(i) })), ...dashed],
    }));
  });
  return { panels: all.slice(0, MOST_PANELS), left: Math.max(0, all.length - MOST_PANELS) };
}

const sizeOf = (row: Entry['row'], over: string): number => number(row, over) ?? 0;

const keyOf = ({ row }: Entry, over: string): string => {
  const columns = [...shared, ...(text(row, 'model') === '' ? shapes : [])];
  return JSON.stringify(columns.filter((column) => column !== over).map((column) => text(row, column)));
};

/** Variants that differ in the size alone, as those of workers do, are one line. */
function nameOf({ variant, row }: Entry, over: string): string {
  if (!spreads.includes(over)) return variant;
  const rest = spreads.filter((column) => column !== over && text(row, column) !== '');
  return rest.map((column) => `${text(row, column)} ${words(column)}`).join(', ') || 'all';
}

function pointsOf(entries: readonly Entry[], over: string): GrowthLine['points'] {
  return entries
    .map(({ row, ms }) => ({ size: sizeOf(row, over), ms: ms.estimate, low: ms.low, high: ms.high }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => a.size - b.size);
}

const titleOf = (members: readonly Entry[], isOne: boolean): string => {
  const [first] = members;
  if (first === undefined || !isOne) return '';
  const { row } = first;
  const names = ['task', 'model', 'backend', 'engine'].map((column) => text(row, column)).filter(Boolean);
  const shape = shapes.filter(
    (column) => text(row, 'model') === '' && members.every((entry) => text(entry.row, column) === text(row, column)),
  );
  return [...names, ...shape.map((column) => `${text(row, column)} ${column}`)].join(' · ');
};
