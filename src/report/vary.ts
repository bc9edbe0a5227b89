/** What differs between rows, in words: the shortest label that still tells them apart. */
import { z } from 'zod';
import { runColumns } from '../columns.ts';
import { type Row, text } from './row.ts';

const jsonColumns = new Set(runColumns.filter((column) => column.kind === 'json').map((column) => column.name));

/** Columns whose value says by itself what it is; others are written with their name. */
const selfEvident = new Set(['task', 'model', 'optimizer', 'strategy', 'numerics', 'phase']);

const chain = z.array(z.object({ name: z.string(), options: z.record(z.string(), z.unknown()) }));
const object = z.record(z.string(), z.unknown());

/**
 * The keys of a JSON column. Those of a chain's members stand by themselves where they are unique, else as `name.key`.
 * Text that isn't JSON stands for itself.
 */
export function fields(json: string): Map<string, string> {
  const value = parseJson(json);
  const members = chain.safeParse(value);
  if (members.success) {
    const keys = members.data.flatMap(({ options }) => Object.keys(options));
    const name = (member: string, key: string) =>
      keys.indexOf(key) === keys.lastIndexOf(key) ? key : `${member}.${key}`;
    return new Map(members.data.flatMap((m) => entries(m.options).map(([k, v]) => [name(m.name, k), v] as const)));
  }
  const options = object.safeParse(value);
  return options.success ? new Map(entries(options.data)) : new Map(json === '' ? [] : [['', json]]);
}

const entries = (options: Record<string, unknown>): [string, string][] =>
  Object.entries(options).map(([key, value]) => [key, shown(value)]);

/** Canonical JSON tags the numbers that JSON lacks: {"$number":"Infinity"}. */
const tagged = z.strictObject({ $number: z.string() });

const shown = (value: unknown): string => {
  const number = tagged.safeParse(value);
  if (number.success) return number.data.$number;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const parseJson = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** Replaces `_` so that names read as words: learning_rate -> learning rate. */
export const words = (name: string): string => name.replaceAll('_', ' ');

const splits: Record<string, string> = { train: 'training', val: 'validation', test: 'test' };

/** A metric's name as a reader says it: val_accuracy -> validation accuracy. */
export const metricWords = (metric: string): string => {
  const split = metric.slice(0, metric.indexOf('_'));
  return words(`${splits[split] ?? split}${metric.slice(split.length)}`);
};

/** One column or JSON key, in every row; undefined where a row doesn't have it. */
interface Part {
  name: string;
  values: (string | undefined)[];
}

/**
 * For each row, the values of those `columns` (and keys of JSON columns) that tell the rows apart: what all rows share
 * is left out, and so is what follows from the parts before it (the hidden sizes, where every model has its own), but
 * not names such as the model's. `shown` names JSON keys that stand elsewhere: they count as told.
 */
export function varying(rows: readonly Row[], columns: readonly string[], shown: readonly string[] = []): string[][] {
  const parts = columns.flatMap((column): Part[] => {
    if (!jsonColumns.has(column)) return [{ name: column, values: rows.map((row) => text(row, column)) }];
    const parsed = rows.map((row) => fields(text(row, column)));
    const keys = [...new Set(parsed.flatMap((map) => [...map.keys()]))];
    return keys.map((name) => ({ name, values: parsed.map((map) => map.get(name)) }));
  });
  let told = rows.map(() => '');
  const tell = ({ values }: Part) => values.map((value, index) => JSON.stringify([told[index], value ?? null]));
  for (const part of parts) if (shown.includes(part.name)) told = tell(part);
  const kept = parts.filter((part) => {
    if (shown.includes(part.name)) return false;
    const more = tell(part);
    const tells =
      new Set(more).size > new Set(told).size || (selfEvident.has(part.name) && new Set(part.values).size > 1);
    if (tells) told = more;
    return tells;
  });
  return rows.map((_, index) => kept.map((part) => label(part.name, part.values[index])));
}

const label = (name: string, value: string | undefined): string => {
  if (value === undefined || value === '') return `no ${words(name)}`;
  return selfEvident.has(name) ? value : `${words(name)} ${value}`;
};
