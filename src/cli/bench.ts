import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { UsageError } from '../types.ts';
import { benchCompare } from './bench-compare.ts';
import { progress } from './progress.ts';
import { nameOf } from './run.ts';
import { stopSignals } from './stop.ts';
import { commandLine } from './words.ts';

const optionsSchema = z.object({ save: z.string().optional(), out: z.string().optional() });
type Options = z.infer<typeof optionsSchema>;

export function bench(): Command {
  return new Command('bench')
    .description('measure how long strategies, steps or runs take, in turns and in fresh processes')
    .argument('<file>', 'bench file, such as experiments/bench/clip.yaml')
    .option('--save <name>', 'keep it as results/bench/<name>, which must not exist, to compare it with later ones')
    .option('--out <folder>', "folder for the results (default: results/bench/<the file's name>, written anew)")
    .addHelpText(
      'after',
      `
Every variant is measured in each of several processes, one at a time on one core, with samples of several calls (tinybench), in an
order drawn from the seed, there and back. Leave the machine alone meanwhile: what disturbs it is said above the results.`,
    )
    .action(async (file: string, written: unknown) => {
      process.exitCode = await measureFile(file, optionsSchema.parse(written));
    })
    .addCommand(benchCompare());
}

async function measureFile(file: string, options: Options): Promise<number> {
  const folder = folderOf(file, options);
  const [{ loadBench }, { processCount, runBench, writeBench }, { benchText }, { makeBenchReport }, { writeText }] =
    await Promise.all([
      import('../bench/bench_file.ts'),
      import('../bench/bench.ts'),
      import('./bench-text.ts'),
      import('../report/bench/index.ts'),
      import('../report/index.ts'),
    ]);
  const asked = loadBench(file);
  const total = processCount(asked);
  const variants = asked.groups.reduce((sum, group) => sum + group.variants.length, 0);
  console.log(`${variants} variants in ${asked.groups.length} groups, ${total} processes, one at a time; ${folder}`);
  const stop = stopSignals(Number.POSITIVE_INFINITY, 'stopping: what was measured so far is not kept');
  const bar = progress(total, process.stderr, 'processes');
  try {
    const result = await runBench(asked, { command: commandLine(), signal: stop.signal, onProcess: () => bar.tick() });
    bar.end();
    writeBench(folder, result);
    console.log(benchText(result));
    const page = await writeText(join(folder, 'report.html'), (await makeBenchReport(folder, 'html')).text ?? '');
    console.log(`\nwrote ${page}, bench.csv, samples.csv, bench.json`);
    return 0;
  } catch (error) {
    bar.end();
    if (!stop.signal.aborted) throw error;
    console.error('stopped: nothing was written; the same command measures anew');
    return 130;
  }
}

function folderOf(file: string, { save, out }: Options): string {
  if (save !== undefined && out !== undefined)
    throw new UsageError('--save and --out: both name a folder; leave one out');
  if (save === undefined) return out ?? join('results', 'bench', nameOf(file));
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(save))
    throw new UsageError(`--save ${save}: can't name a folder (letters, digits, "_", ".", "-"; a letter first)`);
  const folder = join('results', 'bench', save);
  if (existsSync(folder)) throw new UsageError(`${folder}: is there already; give another name, or remove it`);
  return folder;
}
