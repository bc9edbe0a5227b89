/** Runs an experiment: whatever is missing from its results folder is done, then everything is collected. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { csvFiles } from '../columns.ts';
import { fingerprintId } from '../engine/fingerprint.ts';
import type { Code, Manifest } from '../manifest.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { type Cell, type Engine, Finding, UsageError } from '../types.ts';
import { clean, putAside, sweep } from './aside.ts';
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
import { known, plannedCount } from './stages.ts';
import { type FailureRecord, type ResultRecord, type Scan, scan } from './store.ts';
import type { Environment } from './worker-process.ts';

export interface RunOptions {
  folder: string;
  jobs: number;
  /** The best there is on the backend, where none is asked for. */
  engine: Engine['name'] | undefined;
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
  /** Something can't be compiled, and runs op by op. */
  onFallback(reason: string): void;
  /** The trials are done, and this many runs of what they chose follow. */
  onChosen(count: number): void;
  /** The folder held the results of another matrix, whose CSV files are replaced (its finished cells stay). */
  onOther(file: string): void;
  /** So many stored results are in the format of another version; they are done again. */
  onOutdated(count: number): void;
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
  /** Of these two, the runs that wait for trials. */
  waiting: number;
  /** Whether the CSV files were written: not when it was stopped before the first worker was up. */
  collected: boolean;
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
    engine: undefined,
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
    onFallback() {},
    onChosen() {},
    onOther() {},
    onOutdated() {},
    onAltered() {},
    ...given,
  };
  checkWritable(options.folder);
  let release = () => {};
  try {
    release = takeLock(options.folder, options.command);
    return await runAlone(experiment, options);
  } catch (error) {
    const code = systemCode(error);
    const place = error instanceof Error && 'path' in error ? String(error.path) : options.folder;
    throw code === undefined ? error : unwritable(place, code);
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
  if (other) {
    options.onOther(
      earlier.experiment.file === experiment.file ? `an earlier ${experiment.file}` : earlier.experiment.file,
    );
  }
  unmark(folder);
  const found = tidy(options);
  const stored_before = [...found.stored.values()].reduce((sum, { results }) => sum + results.size, 0);
  let fallbacks = earlier?.engine_fallbacks ?? [];
  const describeNow = (environment: Environment, state: State, finished: boolean) => {
    const { asked, results, failures, files } = state;
    const { command, jobs, code } = options;
    const call = { command, jobs, code, started, earlier, stored_before, fallbacks };
    writeManifest(folder, describe({ experiment: asked, environment, results, failures, files, finished, call }));
  };
  const isWhole = options.selected.size === experiment.cells.size;
  const held = (scanned: Scan, { fingerprint }: Environment): Held => {
    const stored = scanned.stored.get(fingerprintId(fingerprint));
    const asked = known(experiment, folder, inventory(folder, experiment.cells.keys(), stored).results);
    const selected = isWhole ? asked.cells : options.selected;
    return { asked, selected, ...inventory(folder, asked.cells.keys(), stored) };
  };

  for (let round = 1, alterations = 0; ; round++) {
    const before = round === 1 ? found : scan(folder);
    let held_before: Held = { ...nothing, asked: experiment, selected: options.selected };
    const done = await execute(options, (environment) => {
      if (!options.force) refuseOthers(folder, before, environment);
      held_before = held(before, environment);
      const { asked, selected, altered } = held_before;
      if (altered.length > 0) options.onAltered(altered.map((record) => putAside(folder, record)));
      const id = fingerprintId(environment.fingerprint);
      writePlan(folder, asked, selected, id);
      const kept = !other && earlier?.fingerprint_id === id;
      // Old rows under a new question would be taken for its answer.
      if (!kept) for (const { file } of csvFiles) rmSync(join(folder, file), { force: true });
      describeNow(environment, { ...held_before, files: kept ? earlier.files : {} }, false);
      return { held: held_before, selected };
    });
    if (done === undefined) return { ...summarize(held_before), collected: false };
    fallbacks = [...new Set([...fallbacks, ...done.fallbacks])];
    const now = done.ran === 0 ? held_before : held(scan(folder), done.environment);
    const { altered, ...gathered } = { ...now, ...gather(folder, now) };
    if (altered.length > 0) {
      options.onAltered(altered);
      alterations += 1;
      if (alterations === ROUNDS)
        throw new Finding(`${folder}: stored results are altered again and again (${altered[0]})`);
      if (!signal.aborted) continue;
    }
    const chosen = now.selected.size - held_before.selected.size;
    if (chosen > 0 && !signal.aborted && !(options.failFast && now.failures.length > 0)) {
      options.onChosen(chosen);
      continue;
    }
    const report = summarize(gathered);
    const complete = report.left + report.unselected === 0;
    describeNow(done.environment, gathered, complete);
    const { completed, diverged } = report;
    const failed = gathered.failures.length;
    if (complete)
      await markFinished(folder, { key: options.key, cells: now.asked.cells.size, completed, diverged, failed });
    return report;
  }
}

type State = Omit<Held, 'altered' | 'selected'> & Pick<Gathered, 'files'>;

/** What there is of what is asked for. */
interface Held extends Inventory {
  /** With all cells that are known by now. */
  asked: Experiment;
  selected: Map<string, Cell>;
}

const nothing: Inventory = { results: [], failures: [], altered: [] };

/** What is stored, of any matrix and environment. Damaged records and half-written files are taken out. */
function tidy({ folder, onAltered, onOutdated }: RunOptions): Scan {
  sweep(folder);
  const found = scan(folder);
  if (found.damaged.length > 0) {
    clean(folder, found.damaged);
    onAltered(found.damaged.map(({ file, line, torn }) => `${file}:${line}${torn ? ', torn' : ''}`));
  }
  if (found.outdated > 0) onOutdated(found.outdated);
  return found;
}

function summarize({ asked, selected, results, failures }: Omit<Held, 'altered'>): RunReport {
  const count = (status: ResultRecord['status']) => results.filter((record) => record.status === status).length;
  const own = failures.filter(({ cell_id }) => selected.has(cell_id));
  const done = results.filter(({ cell_id }) => selected.has(cell_id)).length;
  const waiting = plannedCount(asked) - asked.cells.size;
  const isWhole = selected.size === asked.cells.size;
  return {
    completed: count('completed'),
    diverged: count('diverged'),
    failures: own,
    left: selected.size - done - own.length + (isWhole ? waiting : 0),
    unselected: asked.cells.size - selected.size - (results.length - done) + (isWhole ? 0 : waiting),
    waiting,
    collected: true,
  };
}

function matrixOf({ sha256, set, smoke }: Pick<Manifest['experiment'], 'sha256' | 'set' | 'smoke'>): string {
  return JSON.stringify([sha256, set, smoke]);
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
