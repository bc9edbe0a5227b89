/** Runs small enough for a test. */
import { fields } from '../../src/matrix/fields.ts';
import { parts } from '../../src/parts.ts';
import { train } from '../../src/train/loop.ts';
import type { Summary } from '../../src/train/summary.ts';
import type { Cell, Choice, Options } from '../../src/types.ts';
import { optionsOf } from './choices.ts';

export const choice = (list: (typeof parts)[keyof typeof parts], name: string, options: Options = {}): Choice => {
  const part = [...list].find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no part "${name}"`);
  return { name, options: optionsOf(part, options) };
};
export const strategy = (name: string, options?: Options) => choice(parts.strategies, name, options);
export const optimizer = (name: string, options?: Options) => choice(parts.optimizers, name, options);

const common = {
  ...fields.parse({ steps: 6 }),
  schedule: choice(parts.schedules, 'constant'),
  optimizer: optimizer('sgd'),
  learning_rate: 0.1,
  strategy: [strategy('none')],
  seed: 0,
  batch_size: 8,
  eval_every: 3,
  phase: 'confirm',
} as const;

/** An rnn of 4 units that adds two of twenty numbers. */
export function addingCell(changes: Partial<Cell> = {}): Cell {
  const [task, model] = [choice(parts.tasks, 'adding', { length: 20 }), choice(parts.models, 'rnn', { hidden: [4] })];
  return { ...common, strategy: [...common.strategy], task, model, ...changes };
}

/** A multilayer perceptron of 4 hidden units that reads digits. */
export function digitsCell(changes: Partial<Cell> = {}): Cell {
  const [task, model] = [choice(parts.tasks, 'mnist'), choice(parts.models, 'mlp', { hidden: [4] })];
  return { ...common, strategy: [...common.strategy], task, model, ...changes };
}

/** Trains under a clock that stands still, so that two summaries can be compared as a whole. */
export const trained = (cell: Cell): Summary => train(cell, () => 0);

/** One scalar, step by step. */
export const curve = (summary: Summary, name: string) => summary.steps.map(({ scalars }) => scalars[name]);
