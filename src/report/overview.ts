/** What was run, in one paragraph. */
import { count, list, whole } from './format.ts';
import { type Row, text } from './row.ts';
import type { Results } from './story.ts';
import { tally } from './tally.ts';
import { words } from './vary.ts';

export function overview(story: Results): string {
  const { design, rows, smoke, compares } = story;
  const { cells, completed, diverged, failed, open } = tally(story);
  const outcome = list([
    `${whole(completed)} completed`,
    `${whole(diverged)} diverged`,
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
    ...(open > 0 ? [`${whole(open)} ${open === 1 ? 'has' : 'have'} not run yet`] : []),
  ]);
  const what = `${count(cells, 'run')}${smoke ? ' of a smoke test' : ''}`;
  if (rows.length === 0) return `${what} planned: ${outcome}. No run has finished.`;
  // Where nothing is compared, this tells what there is.
  const told = compares ? design.runs.map((run) => run.row) : rows;
  const { tune } = story.manifest;
  const chose =
    tune &&
    `of trials on other seeds, which never read the test split, chose the ${list(tune.over.map(words))} of each strategy;`;
  const others =
    compares && design.others > 0
      ? ` ${count(design.others, 'run')} ${chose === undefined ? 'of other phases are' : `${chose} they are`} listed but not compared.`
      : '';
  return `${what}: ${outcome}. ${kinds(rows, tune?.over ?? [])}; ${scale(story, told)}.${others}`;
}

/** Values of what is tuned say nothing: trials have as many as they like. */
const kinds = (rows: readonly Row[], tuned: readonly string[]): string =>
  list(
    ['task', 'model', 'optimizer', 'learning_rate']
      .filter((column) => !tuned.includes(column))
      .map((column) => {
        const names = distinct(rows, column);
        return `${count(names.length, column.replace('_', ' '))} (${list(names)})`;
      }),
  );

function scale({ design, compares }: Results, rows: readonly Row[]): string {
  const names = distinct(rows, 'strategy');
  const configs = Math.max(0, ...design.settings.map((setting) => setting.configs.length));
  const settings = count(design.settings.length, 'setting');
  const where = compares ? ` in ${count(configs, 'configuration')} at each of ${settings}` : '';
  const steps = distinct(rows, 'steps').map((written) => whole(Number(written)));
  const strategies = count(names.length, 'clip strategy', 'clip strategies');
  const length = `${list(steps)} ${steps.length === 1 && steps[0] === '1' ? 'step' : 'steps'}`;
  return `${strategies} (${list(names)})${where}, over ${count(distinct(rows, 'seed').length, 'seed')}, for ${length}`;
}

const distinct = (rows: readonly Row[], column: string): string[] => [...new Set(rows.map((row) => text(row, column)))];
