/** Columns of the table of variants: those that no row has a value for are left out. Pure. */
import type { TableColumn } from '../figure.ts';
import { percent, significant, whole } from '../format.ts';
import { number, text } from '../row.ts';
import { type Entry, intervalOf } from './entry.ts';
import { estimated, range } from './words.ts';

export interface Shown extends TableColumn {
  /** '' where there is no value. */
  of: (entry: Entry) => string;
}

const figure = (title: string, name: string, write: (value: number) => string = significant): Shown => ({
  title,
  numeric: true,
  of: ({ row }) => {
    const value = number(row, name);
    return value === undefined ? '' : write(value);
  },
});

const bounds = (of: (entry: Entry) => { low: number; high: number } | undefined): Shown => ({
  title: 'Interval',
  of: (entry) => {
    const found = of(entry);
    return found === undefined ? '' : range(found);
  },
});

/** Facts that tell variants of a group apart only where they differ there. */
const facts = ['batch_size', 'parameters', 'entries', 'tensors', 'length', 'workers', 'cells'];

const measured: Shown[] = [
  { title: 'ms', numeric: true, of: ({ ms }) => estimated(ms) },
  bounds(({ ms }) => ms),
  { title: 'Ratio', numeric: true, of: ({ ratio }) => (ratio === undefined ? '' : estimated(ratio)) },
  bounds(({ ratio }) => ratio),
  { title: 'Verdict', of: ({ verdict }) => verdict ?? '' },
  figure('Steps/s', 'steps_per_second'),
  figure('Examples/s', 'examples_per_second', (value) => whole(Math.round(value))),
  figure('GB/s', 'gb_per_second'),
  figure('Of copying', 'copy_share', percent),
  bounds(({ row }) => {
    const share = intervalOf(row, 'copy_share');
    return share && { low: 100 * share.low, high: 100 * share.high };
  }),
  figure('Kernels', 'kernels', whole),
  figure('Allocated, MB', 'allocated_mb'),
  figure('Peak, MB', 'peak_mb'),
];

/** For rows of these groups. */
export function columnsFor(groups: readonly { entries: readonly Entry[] }[]): Shown[] {
  const all = groups.flatMap(({ entries }) => entries);
  const differing = facts.filter((name) =>
    groups.some(({ entries }) => new Set(entries.map(({ row }) => text(row, name)).filter(Boolean)).size > 1),
  );
  const own = [...differing.map((name) => figure(nameOf(name), name, whole)), ...measured];
  return own.filter(({ of }) => all.some((entry) => of(entry) !== ''));
}

/** What all variants of a group share, in words: `compiled · native · 50 890 parameters · 4 tensors`. */
export function sharedBy(entries: readonly Entry[]): string {
  const own = entries.filter(({ role }) => role !== 'reference');
  const value = (name: string) => {
    const found = [...new Set(own.map(({ row }) => text(row, name)))];
    return found.length === 1 ? (found[0] ?? '') : '';
  };
  const names = ['backend', 'engine', 'numerics', 'optimizer'].map(value).filter(Boolean);
  const numbers = facts.flatMap((name) => {
    const found = value(name);
    // Of a model they are the same number.
    if (found === '' || (name === 'entries' && value('parameters') === found)) return [];
    return [`${nameOf(name).toLowerCase()} ${whole(Number(found))}`];
  });
  return [...names, ...numbers].join(' · ');
}

const nameOf = (column: string): string => `${column.charAt(0).toUpperCase()}${column.slice(1).replaceAll('_', ' ')}`;
