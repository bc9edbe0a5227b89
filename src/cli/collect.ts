import { join } from 'node:path';
import { Command } from 'commander';
import { commandLine } from './words.ts';

export function collect(): Command {
  return new Command('collect')
    .description('write the CSV files anew from the stored runs, without running anything')
    .argument('<folder>', 'results folder, such as results/quickstart')
    .addHelpText(
      'after',
      '\nExit code 1 when stored runs were altered: they are named and put aside, `run` does them again.',
    )
    .action(async (folder: string) => {
      const { recollect } = await import('../run/recollect.ts');
      const { results, failures } = recollect(folder, commandLine());
      console.log(
        `${results.length} runs, ${failures.length} failures: wrote ${join(folder, 'runs.csv')} and the others`,
      );
    });
}
