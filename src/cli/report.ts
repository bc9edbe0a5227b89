import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../types.ts';

export function report(): Command {
  return new Command('report')
    .description('write report.html, one self-contained page, from the CSV files of a run')
    .argument('<folder>', 'results folder, such as results/quickstart')
    .option('--figures', 'also write every figure as an SVG file, into figures/')
    .addHelpText('after', '\nExit code 1 when stored runs or CSV files were altered: nothing is written then.')
    .action(async (folder: string, options: { figures?: boolean }) => {
      if (!existsSync(join(folder, 'manifest.json'))) {
        throw new UsageError(
          `${folder}: holds no manifest.json; give the results folder of a finished \`clipbench run\``,
        );
      }
      const { refuseAltered } = await import('../run/recollect.ts');
      refuseAltered(folder);
      // Vega takes a moment to load, and only this verb needs it.
      const { figuresOf, writeReport } = await import('../report/index.ts');
      const path = await writeReport(folder);
      console.log(`wrote ${path}`);
      if (options.figures) writeFigures(join(folder, 'figures'), figuresOf(readFileSync(path, 'utf8')));
    });
}

/** In place of those of an earlier report, which may have had others. */
function writeFigures(folder: string, figures: Record<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, svg] of Object.entries(figures)) writeFileSync(join(folder, `${name}.svg`), svg);
  console.log(`wrote ${Object.keys(figures).length} figures into ${folder}`);
}
