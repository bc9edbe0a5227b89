import { Command, Option } from 'commander';
import { z } from 'zod';

const optionsSchema = z.object({ format: z.enum(['markdown', 'json']), metric: z.string().optional() });

export function compare(): Command {
  return new Command('compare')
    .description(
      'two result sets, joined by cell: what changed from the first to the second, and whether it became worse',
    )
    .argument('<a>', 'results folder: before')
    .argument('<b>', 'results folder: after')
    .option('--metric <split_metric>', 'such as val_loss; by default the declared one, or that of the task')
    .addOption(new Option('--format <format>', 'how it is written').choices(['markdown', 'json']).default('markdown'))
    .addHelpText(
      'after',
      `
Exit code 1 for a regression: a configuration that became worse (exact test over paired seeds, under Holm), a run that completed
before and fails now, or other bytes from the same code in the same environment.`,
    )
    .action(async (a: string, b: string, written: unknown) => {
      const { format, metric } = optionsSchema.parse(written);
      const { readResultSet } = await import('../report/read.ts');
      const { changeBetween } = await import('../report/change.ts');
      const { changeText } = await import('../report/change-text.ts');
      const change = changeBetween(await readResultSet(a), await readResultSet(b), metric);
      console.log(format === 'json' ? JSON.stringify(change, plain, 2) : changeText(a, b, change).trimEnd());
      if (change.regressions.length > 0) process.exitCode = 1;
    });
}

/** JSON has no infinities, and what a comparison refers to is in the CSV files. */
function plain(key: string, value: unknown): unknown {
  if (key === 'setting' || key === 'member' || key === 'baseline') return undefined;
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
