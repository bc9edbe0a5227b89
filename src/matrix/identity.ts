/** What a cell is called. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonical, parseCanonical } from '../canonical.ts';
import { contentOf, thresholdIn } from '../parts.ts';
import type { Cell, Choice, Clip } from '../types.ts';

/** Bumped whenever training arithmetic changes, so that old results are never taken for new ones. */
export const NUMERICS_VERSION = 4;

/** What a cell is stored as: its canonical JSON with the version of the arithmetic. */
export function cellText(cell: Cell): string {
  return canonical({ cell, numerics_version: NUMERICS_VERSION });
}

/** 16 hex digits of the sha256 of `cellText`, in which a file is what it holds and not where it lies. */
export function cellId(cell: Cell): string {
  return hashOf(cellText({ ...cell, task: contentOf(cell.task) }));
}

/** The id that belongs to a text of `cellText`, also of another version. */
export function idOf(text: string): string {
  const stored = text.includes('_sha256"') ? storedSchema.safeParse(parsed(text)).data : undefined;
  if (stored === undefined) return hashOf(text);
  const { cell, ...others } = stored;
  return hashOf(canonical({ cell: { ...cell, task: contentOf(cell.task) }, ...others }));
}

/** Of a stored cell, what its id looks into. */
const storedSchema = z.looseObject({
  cell: z.looseObject({ task: z.object({ name: z.string(), options: z.record(z.string(), z.unknown()) }) }),
});

/** Undefined where a text was altered so that it can't be read. */
function parsed(text: string): unknown {
  try {
    return parseCanonical(text);
  } catch {
    return undefined;
  }
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * Cells by `cellId`, each once. They share most of their values, so a value's text is made once and not for every cell:
 * a hundred thousand take a third of the time.
 */
export function cellsById(cells: Cell[]): Map<string, Cell> {
  const known = new Map<unknown, string>();
  const textOf = (value: unknown, content = (): unknown => value): string => {
    // A map takes -0 for 0.
    if (Object.is(value, -0)) return canonical(value);
    const text = known.get(value) ?? canonical(content());
    known.set(value, text);
    return text;
  };
  const idOfCell = (cell: Cell): string => {
    const { task, ...others } = cell;
    const members = Object.entries(others).map(([key, value]) => `"${key}":${textOf(value)}`);
    members.push(`"task":${textOf(task, () => contentOf(task))}`);
    return hashOf(`{"cell":{${members.sort().join(',')}},"numerics_version":${NUMERICS_VERSION}}`);
  };
  return new Map(cells.map((cell) => [idOfCell(cell), cell]));
}

/** `global_norm`, or `value-global_norm` for a chain. */
export function strategyName(strategy: Choice[]): string {
  return strategy.map(({ name }) => name).join('-');
}

/** Value of the option that its strategy marks as threshold; a chain has none, nor one that a run has to find for itself. */
export function thresholdOf({ strategy }: Cell): number | undefined {
  return strategy.length > 1 ? undefined : thresholdIn(strategy[0]);
}

/** What runs.csv says of a cell before it has run, under the names of its columns; JSON columns as what they hold. */
export function identityOf(cell: Cell) {
  const { task, model, optimizer, learning_rate, strategy, seed, steps, batch_size, numerics, phase, trial, ...rest } =
    cell;
  return {
    phase,
    trial,
    task: task.name,
    task_options: contentOf(task).options,
    model: model.name,
    model_options: model.options,
    optimizer: optimizer.name,
    learning_rate,
    optimizer_options: optimizer.options,
    strategy: strategyName(strategy),
    threshold: thresholdOf(cell),
    strategy_options: strategy.length === 1 ? flat(strategy[0]) : strategy,
    batch_size,
    steps,
    numerics,
    seed,
    cell_options: rest,
  };
}

/** As it is written: where a strategy acts stands beside its own options. */
const flat = ({ name: _, options, ...placement }: Clip = { name: '', options: {} }) => ({ ...options, ...placement });
