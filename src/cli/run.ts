import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { loadExperiment } from '../matrix/experiment.ts';
import { type RunReport, runExperiment } from '../run/run.ts';
import { UsageError } from '../types.ts';
import { type Progress, progress } from './progress.ts';

interface Options {
  out?: string;
  jobs: number;
  force?: boolean;
}

export function run(): Command {
  return new Command('run')
    .description('run what is missing of an experiment, and write its CSV files')
    .argument('<file>', 'experiment, such as experiments/quickstart.yaml')
    .option('--out <folder>', 'results folder (default: results/ and the name of the file)')
    .option('--jobs <n>', 'worker processes', jobsOf, availableParallelism())
    .option('--force', 'go on in a folder that holds results of another environment')
    .addHelpText(
      'after',
      `
Every finished cell is kept at once, so the same command goes on where it was stopped, also after kill -9. The CSV
files are the same bytes for any number of jobs. Exit code 3 when some cells failed (failures.csv says why).`,
    )
    .action(async (file: string, options: Options) => {
      process.exitCode = await runFile(file, options);
    });
}

async function runFile(file: string, options: Options): Promise<number> {
  const experiment = loadExperiment(file);
  const folder = options.out ?? join('results', nameOf(file));
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(130);
    console.error('\nstopping when the cells in hand are done (again: at once)');
    stop.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  let bar: Progress | undefined;
  const report = await runExperiment(experiment, {
    folder,
    jobs: options.jobs,
    force: options.force ?? false,
    command: ['clipbench', ...process.argv.slice(2)].join(' '),
    signal: stop.signal,
    onStart({ environment, done, todo, damaged }) {
      const { backend, tensorflow } = environment.fingerprint;
      console.log(
        `backend: ${backend}${tensorflow ? ` (TensorFlow ${tensorflow})` : ''}${environment.reason && ` (${environment.reason})`}`,
      );
      if (damaged.length > 0)
        console.log(`${damaged.length} damaged records are left out (${damaged.slice(0, 3).join(', ')})`);
      console.log(`${todo} cells to run, ${done} done already; ${options.jobs} jobs; ${folder}`);
      bar?.end();
      bar = progress(todo, process.stderr);
    },
    onOther: (file) => console.log(`${folder} held the results of ${file}: its CSV files are replaced`),
    onOutcome({ cell_id, status, attempts, error }) {
      bar?.tick(
        status === 'failed'
          ? `cell ${cell_id} failed after ${attempts} attempts: ${error?.split('\n', 1)[0]}`
          : undefined,
      );
    },
  });
  bar?.end();
  return conclude(report, folder, stop.signal.aborted);
}

function conclude({ completed, diverged, failures, left }: RunReport, folder: string, interrupted: boolean): number {
  console.log(
    `${completed} completed, ${diverged} diverged, ${failures.length} failed${left > 0 ? `, ${left} not run` : ''}`,
  );
  if (interrupted && left > 0) {
    console.log('interrupted: run the same command again to go on');
    return 130;
  }
  console.log(
    `wrote ${join(folder, 'runs.csv')}, steps.csv, evals.csv, signals.csv, timing.csv, failures.csv, manifest.json`,
  );
  return failures.length > 0 || left > 0 ? 3 : 0;
}

/** The results of experiments/x.yaml go to results/x. */
export function nameOf(file: string): string {
  const name = basename(file, extname(file));
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) return name;
  throw new UsageError(
    `${file}: "${name}" can't name a results folder (letters, digits, "_", ".", "-"; a letter first); rename the file or give --out`,
  );
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 1024) return jobs;
  throw new InvalidArgumentError('give a number of processes from 1 to 1024.');
}
