/** Rows under named columns, as a file holds them, and the examples that they stand for. */
import { type Batch, type Split, type TaskShape, UsageError } from '../types.ts';
import type { Splits } from './fixed.ts';
import { partition, refuseEmpty } from './partition.ts';
import { type Scale, scaleOf, standardized } from './standardize.ts';

export interface Table {
  /** Name in messages. */
  file: string;
  columns: string[];
  /** As text, one value for each column; `line` says where in the file. */
  rows: { line: number; values: string[] }[];
}

/** What the columns of a table mean. */
export type Meaning = {
  target: string;
  kind: 'classification' | 'regression';
  /** Columns whose values are kinds of things; the others hold numbers. */
  categorical: string[];
  /** Columns that are left out. */
  ignore: string[];
};

/** Columns with more classes than this are taken for numbers. */
const MOST_CLASSES = 1000;

/** Numbers in all examples together that are taken into memory. */
const MOST_NUMBERS = 2 ** 28;

/**
 * Numbers, one after the other, by which a column goes into an example. Scales and categories are those of the training rows.
 */
interface Column {
  width: number;
  write(row: number, to: Float32Array): void;
}

/**
 * A table as examples. Numeric columns, and the target of a regression, are brought to mean 0 and deviation 1; a categorical
 * one becomes one-hot, zeros for a category that no training row has. Classes are in order of their names, or of their values.
 *
 * @throws UsageError for the first column, row or value that is not what `meaning` says
 */
export function tableExamples(table: Table, meaning: Meaning): { shape: TaskShape; splits: Splits } {
  const { file, columns, rows } = table;
  const { target, kind, categorical, ignore } = meaning;
  const indexOf = (name: string, option: string) => {
    if (columns.includes(name)) return columns.indexOf(name);
    throw new UsageError(`${file}: has no column ${shown(name)}, which ${option} names; it has: ${columns.join(', ')}`);
  };
  const targetIndex = indexOf(target, 'target');
  const kinds = new Set(categorical.map((name) => indexOf(name, 'categorical')));
  const idle = categorical.find((name, i) => name === target || ignore.includes(name) || categorical.indexOf(name) < i);
  if (idle !== undefined) {
    throw new UsageError(
      `${file}: categorical names ${shown(idle)}, which is the target, ignored, or named twice; name inputs, each once`,
    );
  }
  const left = new Set([targetIndex, ...ignore.map((name) => indexOf(name, 'ignore'))]);
  if (left.size < ignore.length + 1) {
    throw new UsageError(
      `${file}: ignore names ${shown(target)}, the target, or a column twice; name others, each once`,
    );
  }
  const inputs = columns.map((_, index) => index).filter((index) => !left.has(index));
  if (inputs.length === 0) throw new UsageError(`${file}: leaves no column to learn from; ignore fewer of them`);

  const classes = kind === 'classification' ? classesOf(table, targetIndex) : undefined;
  const parts = partition(rows.length, classes?.numbers);
  refuseEmpty(file, `${rows.length} rows`, parts);
  const column = (index: number) =>
    kinds.has(index) ? categoricalColumn(table, index, parts.train) : numericColumn(table, index, parts.train);
  const x = inputs.map(column);
  const y = classes === undefined ? [numericColumn(table, targetIndex, parts.train)] : [oneHot(classes)];
  const shape = { input: [widthOf(x)], output: widthOf(y) };
  if (rows.length * (widthOf(x) + widthOf(y)) > MOST_NUMBERS) {
    throw new UsageError(
      `${file}: ${rows.length} rows of ${widthOf(x) + widthOf(y)} numbers are more than fit (${MOST_NUMBERS}); take a part of the rows, or ignore columns with many categories`,
    );
  }
  const examples = (split: Split): Batch => ({
    size: parts[split].length,
    x: filled(x, parts[split]),
    y: filled(y, parts[split]),
  });
  return { shape, splits: { train: examples('train'), val: examples('val'), test: examples('test') } };
}

function widthOf(columns: Column[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

function filled(columns: Column[], rows: number[]): Float32Array {
  const values = new Float32Array(rows.length * widthOf(columns));
  let start = 0;
  for (const row of rows) {
    for (const { width, write } of columns) {
      write(row, values.subarray(start, start + width));
      start += width;
    }
  }
  return values;
}

function numericColumn(table: Table, index: number, train: number[]): Column {
  const values = Float64Array.from(table.rows, (_, row) => numberAt(table, row, index));
  const scale: Scale = scaleOf(train.map((row) => values[row] ?? 0));
  return {
    width: 1,
    write(row, to) {
      to[0] = standardized(values[row] ?? 0, scale);
    },
  };
}

function categoricalColumn(table: Table, index: number, train: number[]): Column {
  for (const row of table.rows.keys()) {
    // Here NA may be a kind of thing.
    const text = textAt(table, row, index);
    if (text !== 'NA' && MISSING.test(text)) throw missing(table, row, index);
  }
  return oneHot(coded(table, index, train));
}

interface Coded {
  names: string[];
  /** Of each row; -1 for a name that isn't among them. */
  numbers: Int32Array;
}

function oneHot({ names, numbers }: Coded): Column {
  return {
    width: names.length,
    write(row, to) {
      const number = numbers[row] ?? -1;
      if (number >= 0) to[number] = 1;
    },
  };
}

function classesOf(table: Table, index: number): Coded {
  for (const row of table.rows.keys()) valueAt(table, row, index);
  const coding = coded(table, index, [...table.rows.keys()]);
  const { file, columns, rows } = table;
  const found = coding.names.length;
  if (found >= 2 && found <= MOST_CLASSES) return coding;
  throw new UsageError(
    `${file}: the target ${shown(columns[index])} has ${found} different ${found === 1 ? 'value' : 'values'} in ${rows.length} rows; a class needs 2 to ${MOST_CLASSES}: name another target, or use kind: regression`,
  );
}

/** The different values of a column in some rows, in order, as numbers from 0. */
function coded({ rows }: Table, index: number, among: number[]): Coded {
  const names = inOrder([...new Set(among.map((row) => rows[row]?.values[index] ?? ''))]);
  const numberOf = new Map(names.map((name, i) => [name, i]));
  return { names, numbers: Int32Array.from(rows, ({ values }) => numberOf.get(values[index] ?? '') ?? -1) };
}

/** By value where all are numbers, else by code unit. */
function inOrder(names: string[]): string[] {
  if (names.every((name) => NUMBER.test(name))) return names.sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
  return names.sort((a, b) => (a < b ? -1 : 1));
}

/** No hexadecimal, no Infinity and no spaces, all of which JavaScript takes for numbers. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function numberAt(table: Table, row: number, index: number): number {
  const text = valueAt(table, row, index);
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(Math.fround(value))) return value;
  throw new UsageError(
    `${placeOf(table, row, index)} is ${shown(text)}, which is no number${NUMBER.test(text) ? ' of float32' : ''}; mend or remove the row, or name the column in categorical or ignore`,
  );
}

/** What is written where nothing is known. */
const MISSING = /^(NA|N\/A|NULL|NaN|\?)?$/i;

/** What a row has in a column of classes or numbers. @throws UsageError where that is nothing */
function valueAt(table: Table, row: number, index: number): string {
  const text = textAt(table, row, index);
  if (MISSING.test(text)) throw missing(table, row, index);
  return text;
}

function textAt({ rows }: Table, row: number, index: number): string {
  return rows[row]?.values[index] ?? '';
}

function missing(table: Table, row: number, index: number): UsageError {
  const text = textAt(table, row, index);
  return new UsageError(
    `${placeOf(table, row, index)} is ${text === '' ? 'empty' : `${shown(text)}, a missing value`}; fill it in (or rename what is called so), remove the row, or, where it is no target, name the column in ignore`,
  );
}

function placeOf({ file, columns, rows }: Table, row: number, index: number): string {
  return `${file}:${rows[row]?.line}: field ${index + 1} (${columns[index]})`;
}

/** A value in a message: one line, shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
