import { Command } from 'commander';
import { canonical } from '../canonical.ts';
import { type Experiment, loadExperiment } from '../matrix/experiment.ts';
import { fields } from '../matrix/fields.ts';
import type { Cell, Choice } from '../types.ts';
import { table } from './table.ts';

/** Cells listed unless all are asked for. */
const LISTED = 10;

export function plan(): Command {
  return new Command('plan')
    .description('check an experiment and show what would run: its axes, its cells and their ids')
    .argument('<file>', 'experiment, such as experiments/quickstart.yaml')
    .option('--all', `list every cell, not only the first ${LISTED}`)
    .option('--json', 'print cells as JSON, one per line, with their ids')
    .action((file: string, options: { all?: boolean; json?: boolean }) => {
      const experiment = loadExperiment(file);
      if (options.json) printJson(experiment);
      else print(experiment, options.all ?? false);
    });
}

function printJson({ cells }: Experiment): void {
  for (const [cell_id, cell] of cells) console.log(canonical({ cell_id, ...cell }));
}

function print({ question, cells }: Experiment, all: boolean): void {
  // A terminal would obey control characters in it.
  console.log(`${question.replaceAll(/\p{Cc}/gu, ' ')}\n`);
  console.log(table(['axis', 'values'], axesOf([...cells.values()])));
  const updates = [...cells.values()].reduce((sum, { steps }) => sum + steps, 0);
  console.log(`\n${cells.size} cells, ${updates} training steps in all\n`);
  const varying = Object.keys(fields.shape).filter(
    (name) => new Set([...cells.values()].map((cell) => fieldText(cell, name))).size > 1,
  );
  const listed = [...cells].slice(0, all ? cells.size : LISTED);
  console.log(
    table(
      ['cell_id', 'task', 'model', ...varying, 'optimizer', 'strategy', 'seed'],
      listed.map(([cell_id, cell]) => [
        cell_id,
        choiceText(cell.task),
        choiceText(cell.model),
        ...varying.map((name) => fieldText(cell, name)),
        choiceText({ ...cell.optimizer, options: { learning_rate: cell.learning_rate, ...cell.optimizer.options } }),
        cell.strategy.map(choiceText).join(' then '),
        String(cell.seed),
      ]),
    ),
  );
  if (listed.length < cells.size) console.log(`... and ${cells.size - listed.length} more (--all lists them)`);
}

/** What the cells are made of: one line for every axis, and for every field that has one value. */
function axesOf(cells: Cell[]): string[][] {
  const columns: [string, (cell: Cell) => string][] = [
    ['task', ({ task }) => choiceText(task)],
    ['model', ({ model }) => choiceText(model)],
    ...Object.keys(fields.shape).map((name): [string, (cell: Cell) => string] => [
      name,
      (cell) => fieldText(cell, name),
    ]),
    ['optimizer', ({ optimizer }) => choiceText(optimizer)],
    ['learning_rate', ({ learning_rate }) => String(learning_rate)],
    ['strategy', ({ strategy }) => strategy.map(choiceText).join(' then ')],
    ['seed', ({ seed }) => String(seed)],
  ];
  return columns.map(([name, text]) => [name, [...new Set(cells.map(text))].join(', ')]);
}

function fieldText(cell: Cell, name: string): string {
  return String(Object.entries(cell).find(([field]) => field === name)?.[1] ?? '-');
}

/** `rnn hidden=[64]` */
function choiceText({ name, options }: Choice): string {
  return [name, ...Object.entries(options).map(([option, value]) => `${option}=${JSON.stringify(value)}`)]
    .join(' ')
    .replaceAll('"', '');
}
