import { Command } from 'commander';
import { canonical } from '../canonical.ts';
import type { Cell } from '../types.ts';
import { repeated } from './words.ts';

interface Options {
  filter?: string[];
  set?: string[];
  smoke?: boolean;
  all?: boolean;
  json?: boolean;
  pilot?: string;
}

export function plan(): Command {
  return new Command('plan')
    .description('check an experiment and show what would run: its axes, its cells and their ids')
    .argument('<file>', 'experiment, such as experiments/quickstart.yaml')
    .option(
      '--filter <conditions>',
      "show these cells only: 'model=rnn,task.length<=30,strategy=norm|value' (repeatable)",
      repeated,
    )
    .option('--set <key=value>', 'in place of what the file says: steps=100 (repeatable)', repeated)
    .option('--smoke', 'one seed and three steps of everything, as `run --smoke` does')
    .option('--all', 'list every cell, not only the first ones')
    .option(
      '--pilot <folder>',
      'results of earlier runs: how large a difference the seeds could show, if it varies as there',
    )
    .option('--json', 'print cells as JSON, one per line, with their ids')
    .action(
      async (file: string, { filter = [], set = [], smoke = false, all = false, json = false, pilot }: Options) => {
        // Only now, since every verb passes here and the parts bring TensorFlow.js, which takes a moment to load.
        const [{ loadExperiment }, { filterCells }, { parseSet }, { planText }] = await Promise.all([
          import('../matrix/experiment.ts'),
          import('../matrix/filter.ts'),
          import('../matrix/adjustments.ts'),
          import('./plan-text.ts'),
        ]);
        const experiment = loadExperiment(file, { set: parseSet(set), smoke });
        const chosen = filterCells(experiment.cells, filter);
        if (json) {
          printJson(chosen);
          return;
        }
        console.log(planText(experiment, chosen, all));
        const { reachOf } = await import('../matrix/reach.ts');
        const { representatives } = await import('../matrix/tuning.ts');
        const compared = experiment.tuning === undefined ? chosen.values() : representatives(experiment.tuning);
        const reach = smoke ? undefined : reachOf(experiment.compare, compared);
        if (reach === undefined) return;
        const { reachText } = await import('./reach-text.ts');
        const { stream } = await import('../engine/random.ts');
        const { pilotOf } = await import('../report/pilot.ts');
        console.log(
          `\n${reachText(reach, stream('plan', 'reach'), pilot === undefined ? undefined : await pilotOf(pilot))}`,
        );
      },
    );
}

function printJson(cells: Map<string, Cell>): void {
  for (const [cell_id, cell] of cells) console.log(canonical({ cell_id, ...cell }));
}
