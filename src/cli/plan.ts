import { Command } from 'commander';
import { canonical } from '../canonical.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { fields } from '../matrix/fields.ts';
import type { Cell, Choice } from '../types.ts';
import { table } from './table.ts';
import { repeated } from './words.ts';

/** Cells listed unless all are asked for. */
const LISTED = 10;

interface Options {
  filter?: string[];
  set?: string[];
  smoke?: boolean;
  all?: boolean;
  json?: boolean;
}

export function plan(): Command {
  return new Command('plan')
    .description('check an experiment and show what would run: its axes, its cells and their ids')
    .argument('<file>', 'experiment, such as experiments/quickstart.yaml')
    .option('--filter <conditions>', "show these cells only: 'model=rnn,strategy=norm|value' (repeatable)", repeated)
    .option('--set <key=value>', 'in place of what the file says: steps=100 (repeatable)', repeated)
    .option('--smoke', 'one seed and three steps of everything, as `run --smoke` does')
    .option('--all', `list every cell, not only the first ${LISTED}`)
    .option('--json', 'print cells as JSON, one per line, with their ids')
    .action(async (file: string, { filter = [], set = [], smoke = false, all = false, json = false }: Options) => {
      // Only now, since every verb passes here and the parts bring TensorFlow.js, which takes a moment to load.
      const [{ loadExperiment }, { filterCells }, { parseSet }] = await Promise.all([
        import('../matrix/experiment.ts'),
        import('../matrix/filter.ts'),
        import('../matrix/adjustments.ts'),
      ]);
      const experiment = loadExperiment(file, { set: parseSet(set), smoke });
      const chosen = filterCells(experiment.cells, filter);
      if (json) printJson(chosen);
      else print(experiment, chosen, all);
    });
}

function printJson(cells: Map<string, Cell>): void {
  for (const [cell_id, cell] of cells) console.log(canonical({ cell_id, ...cell }));
}

function print(experiment: Experiment, chosen: Map<string, Cell>, all: boolean): void {
  // A terminal would obey control characters in it.
  console.log(`${experiment.question.replaceAll(/\p{Cc}/gu, ' ')}\n`);
  const cells = [...chosen.values()];
  const settings = fields
    .keyof()
    .options.map((name) => ({ name, texts: distinct(cells, (cell) => cell[name], fieldText) }));
  console.log(table(['axis', 'values'], axesOf(cells, settings)));
  console.log(`\n${countText(experiment, cells)}\n`);
  const varying = settings.filter(({ texts }) => texts.length > 1).map(({ name }) => name);
  const listed = [...chosen].slice(0, all ? chosen.size : LISTED);
  console.log(
    table(
      ['cell_id', 'task', 'model', ...varying, 'optimizer', 'strategy', 'seed'],
      listed.map(([cell_id, cell]) => [
        cell_id,
        choiceText(cell.task),
        choiceText(cell.model),
        ...varying.map((name) => fieldText(cell[name])),
        choiceText({ ...cell.optimizer, options: { learning_rate: cell.learning_rate, ...cell.optimizer.options } }),
        chainText(cell.strategy),
        String(cell.seed),
      ]),
    ),
  );
  if (listed.length < chosen.size) console.log(`... and ${chosen.size - listed.length} more (--all lists them)`);
}

/** `12 of 240 cells, 1800 training steps in all` */
function countText({ cells, smoke }: Experiment, chosen: Cell[]): string {
  const count = chosen.length === cells.size ? `${cells.size} cells` : `${chosen.length} of ${cells.size} cells`;
  const updates = chosen.reduce((sum, { steps }) => sum + steps, 0);
  return `${count}, ${updates} training steps in all${smoke ? ' (smoke: their figures mean nothing)' : ''}`;
}

/** What the cells are made of: one line for every axis, and for every field that has one value. */
function axesOf(cells: Cell[], settings: { name: string; texts: string[] }[]): string[][] {
  return [
    { name: 'task', texts: distinct(cells, ({ task }) => task, choiceText) },
    { name: 'model', texts: distinct(cells, ({ model }) => model, choiceText) },
    ...settings,
    { name: 'optimizer', texts: distinct(cells, ({ optimizer }) => optimizer, choiceText) },
    { name: 'learning_rate', texts: distinct(cells, ({ learning_rate }) => learning_rate, String) },
    { name: 'strategy', texts: distinct(cells, ({ strategy }) => strategy, chainText) },
    { name: 'seed', texts: distinct(cells, ({ seed }) => seed, String) },
  ].map(({ name, texts }) => [name, texts.join(', ')]);
}

/** Cells share their parts, so what is the same object is left out before anything is made text. */
function distinct<T>(cells: Cell[], of: (cell: Cell) => T, text: (value: T) => string): string[] {
  return [...new Set([...new Set(cells.map(of))].map(text))];
}

function fieldText(value: string | number | undefined): string {
  return String(value ?? '-');
}

function chainText(strategy: Choice[]): string {
  return strategy.map(choiceText).join(' then ');
}

/** `rnn hidden=[64]` */
function choiceText({ name, options }: Choice): string {
  return [name, ...Object.entries(options).map(([option, value]) => `${option}=${JSON.stringify(value)}`)]
    .join(' ')
    .replaceAll('"', '');
}
