import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { RunReport } from '../run/run.ts';
import { type Engine, engineNames, UsageError } from '../types.ts';
import { durationOf, durationText, timeoutOption } from './duration.ts';
import { type Progress, progress } from './progress.ts';
import { type Reason, stopSignals } from './stop.ts';
import { commandLine, countFrom, repeated } from './words.ts';

interface Options {
  out?: string;
  jobs: number;
  timeout: number;
  retries: number;
  failFast?: boolean;
  budget?: number;
  filter?: string[];
  set?: string[];
  smoke?: boolean;
  retry?: ('failed' | 'timeout')[];
  engine?: Engine['name'];
  force?: boolean;
}

const RETRY_HINT = "--retry 'failed|timeout' tries them again";

export function run(): Command {
  return new Command('run')
    .description('run what is missing of an experiment, and write its CSV files')
    .argument('<file>', 'experiment, such as experiments/quickstart.yaml')
    .option('--out <folder>', 'results folder (default: results/ and the name of the file)')
    .option('--jobs <n>', 'worker processes', countFrom(1), availableParallelism())
    .option(
      '--filter <conditions>',
      "run these cells only: 'model=rnn,task.length<=30,strategy=norm|value' (repeatable)",
      repeated,
    )
    .option('--set <key=value>', 'in place of what the file says: steps=100 (repeatable)', repeated)
    .option('--smoke', 'one seed and three steps of everything, to see that it runs; marked as such everywhere')
    .addOption(timeoutOption())
    .option('--retries <n>', 'further attempts at a cell that failed or timed out', countFrom(0), 1)
    .option('--retry <what>', 'run cells again that were given up before: failed, timeout, or failed|timeout', retryOf)
    .option('--fail-fast', 'stop at the first cell that is given up')
    .option('--budget <time>', 'start no further cell after this time: 30m, 2h', durationOf)
    .addOption(
      new Option(
        '--engine <name>',
        'compiled: a step as one graph (native only); eager: op by op; default: the best',
      ).choices(engineNames),
    )
    .option('--force', 'go on in a folder that holds results of another environment')
    .addHelpText(
      'after',
      `
Every finished cell is kept at once, so the same command goes on where it was stopped, also after kill -9. The CSV
files are the same bytes for any number of jobs. Ctrl-C finishes the cells in hand; a second one stops at once.

Exit codes: 0 all done, 1 stored results keep being altered, 2 usage, a full disk, or another run in the same folder,
3 some cells failed (failures.csv says why), 130 stopped by Ctrl-C, SIGTERM or --budget: go on with the same command.`,
    )
    .action(async (file: string, options: Options) => {
      process.exitCode = await runFile(file, options);
    });
}

async function runFile(file: string, options: Options): Promise<number> {
  const { filter = [], set = [], smoke = false, retry = [], failFast = false, force = false } = options;
  const folder = options.out ?? join('results', `${nameOf(file)}${smoke ? '_smoke' : ''}`);
  const [{ readText }, { codeFacts }, { finishedBefore, keyOf }] = await Promise.all([
    import('../matrix/document.ts'),
    import('../run/provenance.ts'),
    import('../run/finished.ts'),
  ]);
  const code = codeFacts();
  const asked = { text: readText(file), set, smoke, engine: options.engine };
  const key = keyOf(asked, code);
  const before = filter.length + retry.length === 0 ? finishedBefore(folder, key) : undefined;
  if (before !== undefined) {
    console.log(`0 cells to run, ${before.completed + before.diverged} done already; ${folder}`);
    const { completed, diverged, failed } = before;
    const given = failed > 0 ? ` given up before (${RETRY_HINT})` : ' failed';
    console.log(`${completed} completed, ${diverged} diverged, ${failed}${given}; nothing was touched since`);
    return failed > 0 ? 3 : 0;
  }

  // From here on the parts are needed, and TensorFlow.js with them, which takes a moment to load.
  const [{ loadExperiment }, { filterCells }, { parseSet }, { runExperiment }] = await Promise.all([
    import('../matrix/experiment.ts'),
    import('../matrix/filter.ts'),
    import('../matrix/adjustments.ts'),
    import('../run/run.ts'),
  ]);
  const experiment = loadExperiment(file, { set: parseSet(set), smoke });
  const selected = filterCells(experiment.cells, filter);
  const stop = stopSignals(options.budget ?? Number.POSITIVE_INFINITY);
  let bar: Progress | undefined;
  const running = runExperiment(experiment, {
    folder,
    selected,
    jobs: options.jobs,
    engine: options.engine,
    timeout: options.timeout,
    retries: options.retries,
    retry,
    failFast,
    force,
    key,
    code,
    command: commandLine(),
    signal: stop.signal,
    onStart({ environment, done, todo, failed }) {
      const { backend, engine, tensorflow } = environment.fingerprint;
      const version = tensorflow ? ` (TensorFlow ${tensorflow})` : '';
      const why = environment.reason && ` (${environment.reason})`;
      console.log(`backend: ${backend}${version}${why}; engine: ${engine}`);
      const given = failed > 0 ? `, ${failed} given up before (${RETRY_HINT})` : '';
      const limit = Number.isFinite(options.timeout)
        ? `at most ${durationText(options.timeout)} a cell`
        : 'no time limit';
      console.log(`${todo} cells to run, ${done} done already${given}; ${options.jobs} jobs, ${limit}; ${folder}`);
      bar?.end();
      bar = progress(todo, process.stderr);
    },
    onChosen(count) {
      bar?.end();
      console.log(`the trials are done: ${count} runs of what they chose follow`);
    },
    onOther: (other) =>
      console.log(`${folder} held the results of another matrix (${other}): its CSV files are replaced`),
    onOutdated: (count) =>
      console.log(`${count} stored runs are in the format of another version: they are done again`),
    onFallback: (reason) => console.log(`run op by op, since it can't be compiled: ${reason}`),
    onAltered(names) {
      const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? ', ...' : '');
      console.log(`stored results that were torn or altered are done again: ${names.length} (${shown})`);
    },
    onOutcome({ cell_id, status, attempts, error }) {
      const what = status === 'timeout' ? 'timed out' : 'failed';
      bar?.tick(error && `cell ${cell_id} ${what} after ${attempts} attempts: ${error.split('\n', 1)[0]}`);
    },
  });
  const report = await running.finally(() => bar?.end());
  return conclude(report, folder, stop.reason());
}

function conclude(report: RunReport, folder: string, stopped: Reason | undefined): number {
  const { completed, diverged, failures, left, unselected, waiting, collected } = report;
  if (!collected) {
    console.log(`${stopped}: before the first cell; run the same command again to go on`);
    return 130;
  }
  const others = unselected > 0 ? `, ${unselected} not selected` : '';
  console.log(
    `${completed} completed, ${diverged} diverged, ${failures.length} failed${left > 0 ? `, ${left} not run` : ''}${others}`,
  );
  console.log(
    `wrote ${join(folder, 'runs.csv')}, steps.csv, evals.csv, signals.csv, timing.csv, failures.csv, manifest.json`,
  );
  if (failures.length > 0) console.log(`failures: ${join(folder, 'failures.csv')} names a log for each`);
  if (waiting > 0 && stopped === undefined) {
    const remedy = failures.length > 0 ? RETRY_HINT : 'the same command without --filter does both';
    console.log(`${waiting} runs wait for trials that have no result; ${remedy}`);
  }
  if (stopped !== undefined && (left > 0 || stopped === 'interrupted')) {
    console.log(left > 0 ? `${stopped}: run the same command again to go on` : `${stopped}, but all was done`);
    return 130;
  }
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

function retryOf(text: string): ('failed' | 'timeout')[] {
  return text.split('|').map((what) => {
    if (what === 'failed' || what === 'timeout') return what;
    throw new InvalidArgumentError('give failed, timeout, or failed|timeout.');
  });
}
