/** Runs an experiment: whatever is missing from its results folder is done, then everything is collected. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fingerprintId } from '../engine/fingerprint.ts';
import type { Code, Manifest } from '../manifest.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { type Cell, Finding, UsageError } from '../types.ts';
import { clean } from './aside.ts';
import { describe } from './describe.ts';
import { execute } from './execute.ts';
import { systemCode } from './files.ts';
import { markFinished, unmark } from './finished.ts';
import { type Gathered, gather, type Inventory, inventory, refuseOthers } from './inventory.ts';
import { takeLock } from './lock.ts';
import { readManifest, writeManifest } from './manifest-file.ts';
import { writePlan } from './plan.ts';
import { type Outcome, unwritable } from './pool.ts';
import { codeFacts } from './provenance.ts';
import { type FailureRecord, type ResultRecord, type Scan, scan } from './store.ts';
import type { Environment } from './worker-process.ts';

export interface RunOptions {
  folder: string;
  jobs: number;
  /** Cells to run; the CSV files hold all that are finished, run now or before. */
  selected: Map<string, Cell>;
  /** Limit of one attempt at a cell, in ms. */
  timeout: number;
  /** Further attempts at a cell that failed. */
  retries: number;
  /** Stop at the first cell that failed for good. */
  failFast: boolean;
  /** Cells that failed for good in an earlier call are left alone unless named here. */
  retry: FailureRecord['status'][];
  /** Run although the folder holds results of another environment; they are kept, but not collected. */
  force: boolean;
  /** As typed by the user, for the manifest. */
  command: string;
  /** Names this call, for the mark that a complete run leaves; see `finished.ts`. */
  key: string;
  code: Code;
  /** Aborted: cells in hand are finished, the rest is left for the next time. */
  signal: AbortSignal;
  onStart(facts: Start): void;
  onOutcome(outcome: Outcome): void;
  /** The folder held the results of another matrix, whose CSV files are replaced (its finished cells stay). */
  onOther(file: string): void;
  /** Stored results that turned out to be altered; they are done again. */
  onAltered(names: string[]): void;
}

export interface Start {
  environment: Environment;
  todo: number;
  done: number;
  /** Failed for good earlier, and not to be tried again. */
  failed: number;
}

export interface RunReport {
  completed: number;
  diverged: number;
  /** Of the selected cells. */
  failures: FailureRecord[];
  /** Selected cells that have neither result nor failure. */
  left: number;
  /** Cells outside the selection that have no result. */
  unselected: number;
}

/** Cells whose stored text was altered are done again so often. */
const ROUNDS = 3;

/**
 * @throws UsageError when the folder can't be written, is being written by another run, or holds results of another
 * environment; Finding when stored results are altered again and again
 */
export async function runExperiment(
  experiment: Experiment,
  given: Pick<RunOptions, 'folder'> & Partial<RunOptions>,
): Promise<RunReport> {
  const options: RunOptions = {
    jobs: availableParallelism(),
    selected: experiment.cells,
    timeout: Number.POSITIVE_INFINITY,
    retries: 1,
    failFast: false,
    retry: [],
    force: false,
    command: '',
    key: '',
    code: given.code ?? codeFacts(),
    signal: new AbortController().signal,
    onStart() {},
    onOutcome() {},
    onOther() {},
    onAltered() {},
    ...given,
  };
  checkWritable(options.folder);
  const release = takeLock(options.folder, options.command);
  try {
    return await runAlone(experiment, options);
  } catch (error) {
    const code = systemCode(error);
    throw code === undefined ? error : unwritable(options.folder, code);
  } finally {
    release();
  }
}

/** With the lock in hand. */
async function runAlone(experiment: Experiment, options: RunOptions): Promise<RunReport> {
  const { folder, signal } = options;
  const started = new Date().toISOString();
  const earlier = readManifest(folder);
  const other = earlier !== undefined && matrixOf(earlier.experiment) !== matrixOf(experiment);
  if (other) options.onOther(earlier.experiment.file);
  unmark(folder);
  const found = tidy(options);
  const stored_before = [...found.stored.values()].reduce((sum, { results }) => sum + results.size, 0);
  const describeNow = (environment: Environment, state: Omit<Gathered, 'altered'>, finished: boolean) => {
    const { results, failures, files } = state;
    const { command, jobs, code } = options;
    const call = { command, jobs, code, started, earlier, stored_before };
    writeManifest(folder, describe({ experiment, environment, results, failures, files, finished, call }));
  };
  const held = (scanned: Scan, { fingerprint }: Environment) =>
    inventory(folder, experiment.cells.keys(), scanned.stored.get(fingerprintId(fingerprint)));

  for (let round = 1; ; round++) {
    const before = round === 1 ? found : scan(folder);
    let held_before: Inventory = { results: [], failures: [] };
    const done = await execute(options, (environment) => {
      if (!options.force) refuseOthers(folder, before, environment);
      held_before = held(before, environment);
      writePlan(folder, experiment, options.selected, fingerprintId(environment.fingerprint));
      describeNow(environment, { ...held_before, files: earlier?.files ?? {} }, false);
      return held_before;
    });
    if (done === undefined) return summarize(experiment, options, held_before);
    const now = done.ran === 0 ? held_before : held(scan(folder), done.environment);
    const { altered, ...gathered } = gather(folder, now);
    if (altered.length > 0) {
      options.onAltered(altered);
      if (round === ROUNDS) throw new Finding(`${folder}: stored results are altered again and again (${altered[0]})`);
      if (!signal.aborted) continue;
    }
    const report = summarize(experiment, options, gathered);
    const complete = report.left + report.unselected === 0;
    describeNow(done.environment, gathered, complete);
    const { completed, diverged } = report;
    const mark = { key: options.key, cells: experiment.cells.size, completed, diverged };
    if (complete && gathered.failures.length === 0) await markFinished(folder, mark);
    return report;
  }
}

/** What is stored, of any matrix and environment. Damaged records are taken out. */
function tidy({ folder, onAltered }: RunOptions): Scan {
  const found = scan(folder);
  if (found.damaged.length > 0) {
    clean(folder, found.damaged);
    onAltered(found.damaged.map(({ file, line }) => `${file}:${line}`));
  }
  return found;
}

function summarize({ cells }: Experiment, { selected }: RunOptions, { results, failures }: Inventory): RunReport {
  const count = (status: ResultRecord['status']) => results.filter((record) => record.status === status).length;
  const own = failures.filter(({ cell_id }) => selected.has(cell_id));
  const done = results.filter(({ cell_id }) => selected.has(cell_id)).length;
  return {
    completed: count('completed'),
    diverged: count('diverged'),
    failures: own,
    left: selected.size - done - own.length,
    unselected: cells.size - selected.size - (results.length - done),
  };
}

function matrixOf({ file, set, smoke }: Pick<Manifest['experiment'], 'file' | 'set' | 'smoke'>): string {
  return JSON.stringify([file, set, smoke]);
}

function checkWritable(folder: string): void {
  try {
    for (const place of [folder, join(folder, 'cells', 'segments')]) {
      mkdirSync(place, { recursive: true });
      const probe = join(place, `.writable-${process.pid}`);
      writeFileSync(probe, '');
      rmSync(probe);
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new UsageError(`${folder}: can't be written (${reason}); give a folder of yours with --out`);
  }
}
