/** What `plan` shows of an experiment. */
import { withoutAdvice } from '../engine/backend.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { controls, fields } from '../matrix/fields.ts';
import { confirmCount, type Tuning } from '../matrix/tuning.ts';
import { find, parts, withoutDefaults } from '../parts.ts';
import { sizeOf } from '../size.ts';
import type { Cell, Choice, Options, Part } from '../types.ts';
import { table } from './table.ts';

/** Cells listed unless all are asked for. */
const LISTED = 10;

/** Axes, the size of every model on its tasks, and the cells. Options at their defaults are left out. */
export function planText(experiment: Experiment, chosen: Map<string, Cell>, all: boolean): string {
  withoutAdvice();
  const cells = [...chosen.values()];
  const settings = fields
    .keyof()
    .options.map((name) => ({ name, texts: distinct(cells, (cell) => cell[name], fieldText) }))
    .filter(({ name, texts }) => !isOff(name, texts));
  const varying = settings.filter(({ texts }) => texts.length > 1).map(({ name }) => name);
  const first = [...chosen].slice(0, all ? chosen.size : LISTED);
  const rows = first.map(([cell_id, cell]) => [
    cell_id,
    words.task(cell.task),
    words.model(cell.model),
    ...varying.map((name) => fieldText(cell[name])),
    `${words.optimizer(cell.optimizer)} learning_rate=${cell.learning_rate}`,
    chainText(cell.strategy),
    String(cell.seed),
  ]);
  return [
    // A terminal would obey control characters in it.
    `${experiment.question.replaceAll(/\p{Cc}/gu, ' ')}\n`,
    `${table(['axis', 'values'], axesOf(cells, settings))}\n`,
    `${table(['model', 'task', 'input', 'output', 'parameters'], sizesOf(cells))}\n`,
    `${countText(experiment, cells)}\n`,
    table(['cell_id', 'task', 'model', ...varying, 'optimizer', 'strategy', 'seed'], rows),
    ...(first.length < chosen.size ? [`... and ${chosen.size - first.length} more (--all lists them)`] : []),
  ].join('\n');
}

/** `rnn hidden=[64]` */
const wordsFor =
  (list: Part<Options, unknown>[]) =>
  (choice: Choice): string => {
    const { name, options } = withoutDefaults(find(list, choice.name), choice);
    // A hash is 64 digits that say nothing to a reader.
    const shown = Object.entries(options).filter(([option]) => !option.endsWith('_sha256'));
    return [name, ...shown.map(([option, value]) => `${option}=${JSON.stringify(value)}`)]
      .join(' ')
      .replaceAll('"', '');
  };
const words = {
  task: wordsFor(parts.tasks),
  model: wordsFor(parts.models),
  schedule: wordsFor(parts.schedules),
  optimizer: wordsFor(parts.optimizers),
  strategy: wordsFor(parts.strategies),
};

/** Controls that are off everywhere would fill the screen. */
function isOff(name: string, texts: string[]): boolean {
  const control = Object.entries(controls).find(([key]) => key === name)?.[1];
  return control !== undefined && texts.length === 1 && texts[0] === String(control.parse(undefined));
}

/** Every model on every task, with what goes in and comes out. */
function sizesOf(cells: Cell[]): string[][] {
  // Cells share their parts: each pair is looked at once.
  const tasksOf = new Map<Choice, Set<Choice>>();
  for (const { task, model } of cells) tasksOf.set(model, (tasksOf.get(model) ?? new Set()).add(task));
  const rows = [...tasksOf].flatMap(([model, tasks]) =>
    [...tasks].map((task) => {
      const { shape, parameters } = sizeOf(task, model);
      const { input, vocabulary, output, times } = shape;
      const read = `[${input.join(', ')}]${vocabulary === undefined ? '' : ` of ${vocabulary} tokens`}`;
      const given = times === undefined ? `[${output}]` : `[${times}, ${output}]`;
      return [words.model(model), words.task(task), read, given, String(parameters)];
    }),
  );
  return [...new Map(rows.map((row) => [row.join(), row])).values()];
}

/** `12 of 240 cells, 1800 training steps in all` */
function countText({ cells, smoke, tuning }: Experiment, chosen: Cell[]): string {
  const whole = chosen.length === cells.size;
  const noun = tuning === undefined ? 'cells' : 'runs of trials';
  const count = whole ? `${cells.size} ${noun}` : `${chosen.length} of ${cells.size} ${noun}`;
  const updates = chosen.reduce((sum, { steps }) => sum + steps, 0);
  const all = `${count}, ${updates} training steps in all${smoke ? ' (smoke: their figures mean nothing)' : ''}`;
  return tuning === undefined || !whole ? all : `${all}; ${stageText(tuning)}`;
}

/** What follows the trials. */
function stageText(tuning: Tuning): string {
  const { contests, tune } = tuning;
  const trials = Math.max(...contests.map((contest) => contest.trials.length));
  const idle = contests.filter((contest) => contest.trials.length < trials);
  const names = [...new Set(idle.map(({ cell }) => chainText(cell.strategy)))];
  const seeds = [...new Set(contests.flatMap((contest) => contest.seeds))].join(', ');
  return [
    `${trials} trials (${tune.method}) of each of ${contests.length - idle.length} contestants choose its ${tune.over.join(' and ')} on the validation split`,
    ...(idle.length === 0 ? [] : [`${names.join(', ')}: nothing to tune`]),
    `what they choose makes ${confirmCount(tuning)} runs more, on seed ${seeds}, which are compared`,
  ].join(';\n');
}

/** What the cells are made of: one line for every axis, and for every field that has one value. */
function axesOf(cells: Cell[], settings: { name: string; texts: string[] }[]): string[][] {
  return [
    { name: 'task', texts: distinct(cells, ({ task }) => task, words.task) },
    { name: 'model', texts: distinct(cells, ({ model }) => model, words.model) },
    { name: 'schedule', texts: distinct(cells, ({ schedule }) => schedule, words.schedule) },
    ...settings,
    { name: 'optimizer', texts: distinct(cells, ({ optimizer }) => optimizer, words.optimizer) },
    { name: 'learning_rate', texts: distinct(cells, ({ learning_rate }) => learning_rate, String) },
    { name: 'strategy', texts: distinct(cells, ({ strategy }) => strategy, chainText) },
    { name: 'seed', texts: distinct(cells, ({ seed }) => seed, String) },
  ].map(({ name, texts }) => [name, listed(texts)]);
}

/** Values of an axis that are listed; trials that are drawn have hundreds. */
const VALUES = 24;

const listed = (texts: string[]): string =>
  texts.length <= VALUES
    ? texts.join(', ')
    : `${texts.slice(0, VALUES).join(', ')}, ... and ${texts.length - VALUES} more`;

/** Cells share their parts, so what is the same object is left out before anything is made text. */
function distinct<T>(cells: Cell[], of: (cell: Cell) => T, text: (value: T) => string): string[] {
  return [...new Set([...new Set(cells.map(of))].map(text))];
}

function fieldText(value: string | number | undefined): string {
  return String(value ?? '-');
}

function chainText(strategy: Choice[]): string {
  return strategy.map(words.strategy).join(' then ');
}
