import { join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';

const optionsSchema = z.object({ to: z.enum(['parquet', 'tensorboard']), out: z.string().optional() });

export function exportResults(): Command {
  return new Command('export')
    .description('results for other tools: every CSV as Parquet, or every run as a TensorBoard run')
    .argument('<folder>', 'results folder, such as results/quickstart')
    .addOption(new Option('--to <what>', 'for which tool').choices(['parquet', 'tensorboard']).makeOptionMandatory())
    .option('--out <folder>', 'where to; default: parquet/ or tensorboard/ in the results folder')
    .addHelpText(
      'after',
      `
Parquet: runs.parquet, steps.parquet, ... with the columns of results/README.md, for pandas, polars, R and DuckDB.
TensorBoard: \`tensorboard --logdir FOLDER/tensorboard\`; a run is named after its setting, strategy and seed.`,
    )
    .action(async (folder: string, written: unknown) => {
      const { to, out = join(folder, to) } = optionsSchema.parse(written);
      const { exportTo } = await import('../report/export.ts');
      console.log(`wrote ${await exportTo[to](folder, out)} into ${out}`);
    });
}
