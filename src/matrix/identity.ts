/** What a cell is called. */
import { createHash } from 'node:crypto';
import { canonical } from '../canonical.ts';
import { find, parts, thresholdOption } from '../parts.ts';
import type { Cell, Choice } from '../types.ts';

/** Bumped whenever training arithmetic changes, so that old results are never taken for new ones. */
export const NUMERICS_VERSION = 1;

/** 16 hex digits of sha256 over the canonical cell and the version of the arithmetic. */
export function cellId(cell: Cell): string {
  return createHash('sha256')
    .update(canonical({ cell, numerics_version: NUMERICS_VERSION }))
    .digest('hex')
    .slice(0, 16);
}

/** `global_norm`, or `value-global_norm` for a chain. */
export function strategyName(strategy: Choice[]): string {
  return strategy.map(({ name }) => name).join('-');
}

/** Value of the option that its strategy marks as threshold; a chain has none. */
export function thresholdOf({ strategy }: Cell): number | undefined {
  const [only, ...others] = strategy;
  const option = only && others.length === 0 ? thresholdOption(find(parts.strategies, only.name)) : undefined;
  return option === undefined ? undefined : Number(only?.options[option]);
}

/** What runs.csv says of a cell before it has run, under the names of its columns. */
export function identityOf(cell: Cell) {
  const { task, model, optimizer, learning_rate, strategy, batch_size, steps, numerics, seed } = cell;
  return {
    task: task.name,
    model: model.name,
    optimizer: optimizer.name,
    learning_rate,
    strategy: strategyName(strategy),
    threshold: thresholdOf(cell),
    batch_size,
    steps,
    numerics,
    seed,
  };
}
