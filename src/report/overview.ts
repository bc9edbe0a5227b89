/** What was run, in one paragraph. */
import { count, list, whole } from './format.ts';
import { text } from './row.ts';
import type { Story } from './story.ts';

export function overview({ manifest, design, rows, failures }: Story): string {
  // Counted from the CSV, so that the sentence agrees with every figure below it.
  const diverged = rows.filter((row) => text(row, 'status') === 'diverged').length;
  const completed = rows.length - diverged;
  const failed = failures.length;
  const cells = Math.max(manifest.cells, rows.length + failed);
  const open = cells - rows.length - failed;
  const outcome = [
    `${whole(completed)} completed`,
    `${whole(diverged)} diverged`,
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
    ...(open > 0 ? [`${whole(open)} have not run yet`] : []),
  ];
  const names = (column: string) => [...new Set(rows.map((row) => text(row, column)))];
  const kinds = [
    kind('task', names('task')),
    kind('model', names('model')),
    kind('optimizer', names('optimizer')),
    kind('learning rate', names('learning_rate')),
  ];
  const seeds = [...new Set(design.runs.map((run) => run.seed))].length;
  const steps = [...new Set(design.runs.map((run) => whole(run.steps)))];
  const configs = Math.max(0, ...design.settings.map((setting) => setting.configs.length));
  if (rows.length === 0)
    return `${count(cells, 'run')} planned: ${list(outcome)}. No run has finished, so there is nothing to show yet.`;
  const strategies = `${count(design.strategies.length, 'clip strategy', 'clip strategies')} (${list(design.strategies)})`;
  const made = `${strategies} in ${count(configs, 'configuration')} at each of ${count(design.settings.length, 'setting')}`;
  const others =
    design.others > 0 ? ` ${count(design.others, 'run')} of other phases are listed but not compared.` : '';
  return `${count(cells, 'run')}: ${list(outcome)}. ${list(kinds)}; ${made}, over ${count(seeds, 'seed')}, for ${list(steps)} ${steps.length === 1 && steps[0] === '1' ? 'step' : 'steps'}.${others}`;
}

const kind = (noun: string, names: readonly string[]): string => `${count(names.length, noun)} (${list(names)})`;
