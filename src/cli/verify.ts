import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Fingerprint } from '../engine/fingerprint.ts';
import type { VerifyReport } from '../run/verify.ts';
import { timeoutOption } from './duration.ts';
import { type Progress, progress } from './progress.ts';
import { stopSignals } from './stop.ts';
import { countFrom } from './words.ts';

interface Options {
  sample: number;
  jobs: number;
  timeout: number;
}

/** Differences printed one by one; more are counted. */
const SHOWN = 20;

export function verify(): Command {
  return new Command('verify')
    .description('run stored cells again and compare them bit for bit')
    .argument('<folder>', 'results folder, such as results/reference')
    .addOption(sampleOption())
    .option('--jobs <n>', 'worker processes', countFrom(1), availableParallelism())
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Compared are the scalars of every step, logged or not, the parameters at every evaluation, and all rows. Every stored
run is also checked against its checksum. The backend is the one that computed the results.

Exit codes: 0 all equal, 1 something differs or was altered, 3 some cells could not be run again, 130 interrupted.`,
    )
    .action(async (folder: string, options: Options) => {
      process.exitCode = await verifyFolder(folder, options);
    });
}

async function verifyFolder(folder: string, { sample, jobs, timeout }: Options): Promise<number> {
  const { verifyResults } = await import('../run/verify.ts');
  const stop = stopSignals(Number.POSITIVE_INFINITY);
  let bar: Progress | undefined;
  const report = await verifyResults({
    folder,
    share: sample,
    jobs,
    timeout,
    signal: stop.signal,
    onStart({ recorded, environment, same, chosen, stored }) {
      if (!same) {
        console.log('another environment computed these results, so that last bits may differ:');
        console.log(differingFacts(recorded, environment.fingerprint));
      }
      console.log(`${chosen} of ${stored} stored runs are done again; ${jobs} jobs; ${folder}`);
      bar = progress(chosen, process.stderr);
    },
    onCell: (cell_id, note) => bar?.tick(note && `cell ${cell_id}: ${note}`),
  });
  bar?.end();
  return conclude(report, folder, stop.reason() !== undefined);
}

function conclude(
  { stored, equal, different, failed, altered }: VerifyReport,
  folder: string,
  stopped: boolean,
): number {
  for (const place of altered.slice(0, SHOWN)) console.log(`altered: ${place}`);
  for (const { cell_id, where } of different.slice(0, SHOWN)) console.log(`cell ${cell_id}: first differs at ${where}`);
  for (const { cell_id, error } of failed.slice(0, SHOWN))
    console.log(`cell ${cell_id}: could not be run again: ${error?.split('\n', 1)[0]}`);
  const parts = [
    `${equal} equal bit for bit`,
    `${different.length} different`,
    ...(failed.length > 0 ? [`${failed.length} could not be run again`] : []),
    altered.length > 0 ? `${altered.length} of ${stored} stored texts altered` : `all ${stored} stored texts whole`,
  ];
  console.log(`${folder}: ${parts.join(', ')}`);
  if (different.length + altered.length > 0) return 1;
  if (stopped) return 130;
  return failed.length > 0 ? 3 : 0;
}

function differingFacts(recorded: Fingerprint, own: Fingerprint): string {
  return [...new Set([...Object.keys(recorded), ...Object.keys(own)])]
    .filter((name) => recorded[name] !== own[name])
    .map((name) => `  ${name}: ${recorded[name] ?? 'none'} there, ${own[name] ?? 'none'} here`)
    .join('\n');
}

function sampleOption(): Option {
  return new Option('--sample <share>', 'share of the runs to do again: 5%, 50%, all; at least 3 are')
    .argParser(shareOf)
    .default(0.05, '5%');
}

function shareOf(text: string): number {
  if (text === 'all') return 1;
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('give a share such as 5%, or all.');
}
