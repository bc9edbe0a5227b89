import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { UsageError } from '../types.ts';

const formats = ['html', 'md', 'json', 'svg'] as const;
const optionsSchema = z.object({
  format: z.enum(formats).optional(),
  figures: z.boolean().default(false),
  index: z.boolean().default(false),
  quality: z.string().optional(),
});
type Options = z.infer<typeof optionsSchema>;

export function report(): Command {
  return new Command('report')
    .description('write report.html, one self-contained page, from the CSV files of a run or a measurement')
    .argument(
      '[folder]',
      'results folder, such as results/quickstart or results/bench/clip; with --index the folder above (default: results)',
    )
    .addOption(
      new Option(
        '--format <format>',
        'report.html, report.md with figures/, report.json, or only figures/*.svg',
      ).choices(formats),
    )
    .option('--figures', 'with html: also write every figure as an SVG file, into figures/')
    .option('--quality <folder>', 'of a measurement: results of runs to set beside what strategies cost')
    .option('--index', 'write index.html over all results folders below the folder')
    .addHelpText(
      'after',
      `
report.json holds what the report says as data (schema: src/report/report.schema.json, of a measurement
src/report/bench/report.schema.json).

Exit code 1 when stored runs or CSV files were altered: nothing is written then. The index names such folders instead.`,
    )
    .action(async (folder: string | undefined, written: unknown) => {
      const options = optionsSchema.parse(written);
      await (options.index ? index(folder ?? 'results', options) : one(folder, options));
    });
}

async function one(folder: string | undefined, { format = 'html', figures, quality }: Options): Promise<void> {
  if (folder === undefined) {
    throw new UsageError('report: no results folder given; give one such as results/quickstart, or --index');
  }
  const isMeasured = existsSync(join(folder, 'bench.json'));
  if (!isMeasured && !existsSync(join(folder, 'manifest.json'))) {
    throw new UsageError(
      `${folder}: holds no manifest.json; give the results folder of a finished \`clipbench run\` or \`clipbench bench\``,
    );
  }
  if (quality !== undefined && !isMeasured)
    throw new UsageError(
      `--quality: ${folder} holds no measurement; give a folder with bench.json, such as results/bench/step`,
    );
  if (quality !== undefined && !existsSync(join(quality, 'manifest.json')))
    throw new UsageError(
      `--quality: ${quality} holds no manifest.json; give the results folder of a finished \`clipbench run\``,
    );
  if (figures && format === 'json') throw new UsageError('--figures: report.json has none; leave out one of the two');
  const { refuseAltered } = await import('../run/recollect.ts');
  if (!isMeasured) refuseAltered(folder);
  if (quality !== undefined) refuseAltered(quality);
  // Vega takes a moment to load, and only this verb needs it.
  const { makeReport, writeText } = await import('../report/index.ts');
  const { makeBenchReport } = await import('../report/bench/index.ts');
  const made = isMeasured ? await makeBenchReport(folder, format, quality) : await makeReport(folder, format);
  if (made.text !== undefined) console.log(`wrote ${await writeText(join(folder, `report.${format}`), made.text)}`);
  if (figures || format === 'md' || format === 'svg') writeFigures(join(folder, 'figures'), made.figures);
}

async function index(folder: string, { format = 'html', figures, quality }: Options): Promise<void> {
  if (format !== 'html' || figures || quality !== undefined)
    throw new UsageError('--index: is a page of HTML; leave out --format, --figures and --quality');
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${folder}: is no folder; give the one that holds results folders, such as results`);
  }
  const own = ['manifest.json', 'bench.json'].find((file) => existsSync(join(folder, file)));
  if (own !== undefined)
    throw new UsageError(`${folder}: holds a ${own}, so it is one result set; give the folder above it`);
  const { writeIndex } = await import('../report/index.ts');
  const { path, sets } = await writeIndex(folder);
  console.log(`wrote ${path} (${sets} result ${sets === 1 ? 'set' : 'sets'})`);
}

/** In place of those of an earlier report, which may have had others. */
function writeFigures(folder: string, figures: Record<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, svg] of Object.entries(figures)) writeFileSync(join(folder, `${name}.svg`), svg);
  console.log(`wrote ${Object.keys(figures).length} figures into ${folder}`);
}
