/** Runs an experiment: whatever is missing from its results folder is done, then everything is collected. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintId } from '../engine/fingerprint.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { type Cell, UsageError } from '../types.ts';
import { collect } from './collect.ts';
import { describe } from './describe.ts';
import { type Environment, type Outcome, runPool } from './pool.ts';
import { type CellRecord, type Scan, scan, textPath, writeDurably } from './store.ts';

export interface RunOptions {
  folder: string;
  jobs: number;
  /** Run although the folder holds results of another environment; they are kept, but not collected. */
  force: boolean;
  /** As typed by the user, for the manifest. */
  command: string;
  /** Aborted: cells in hand are finished, the rest is left for the next time. */
  signal: AbortSignal;
  onStart?(facts: { environment: Environment; done: number; todo: number; damaged: string[] }): void;
  onOutcome?(outcome: Outcome): void;
  /** The folder held the results of another experiment file, whose CSV files are replaced (its finished cells stay). */
  onOther?(file: string): void;
}

export interface RunReport {
  completed: number;
  diverged: number;
  failures: Outcome[];
  /** Cells not run, since it was interrupted. */
  left: number;
}

/**
 * @throws UsageError when the folder can't be written or holds results of another environment,
 * Finding when stored results were altered
 */
export async function runExperiment(experiment: Experiment, options: RunOptions): Promise<RunReport> {
  const { folder } = options;
  const started = new Date().toISOString();
  checkWritable(folder);
  const earlier = readManifest(folder);
  if (earlier !== undefined && earlier.experiment.file !== experiment.file) options.onOther?.(earlier.experiment.file);
  const failures: Outcome[] = [];
  let environment: Environment | undefined;
  for (const numerics of ['repro', 'fast'] as const) {
    const cells = new Map([...experiment.cells].filter(([, cell]) => cell.numerics === numerics));
    if (cells.size === 0 || options.signal.aborted) continue;
    environment = await runPool((found) => missing(cells, found, options), {
      folder,
      numerics,
      jobs: options.jobs,
      signal: options.signal,
      onOutcome(outcome) {
        if (outcome.status === 'failed') failures.push(outcome);
        options.onOutcome?.(outcome);
      },
    });
  }
  if (environment === undefined) return { completed: 0, diverged: 0, failures, left: experiment.cells.size };
  const stored = scan(folder).records.get(fingerprintId(environment.fingerprint));
  const records = [...experiment.cells.keys()].flatMap((cell_id) => stored?.get(cell_id) ?? []);
  collect(folder, records, failures);
  const report = summarize(experiment, records, failures);
  const manifest = describe({ experiment, environment, records, report, started, earlier, ...options });
  writeDurably(join(folder, 'manifest.json'), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  return report;
}

function summarize(experiment: Experiment, records: CellRecord[], failures: Outcome[]): RunReport {
  const count = (status: CellRecord['status']) => records.filter((record) => record.status === status).length;
  return {
    completed: count('completed'),
    diverged: count('diverged'),
    failures,
    left: experiment.cells.size - records.length - failures.length,
  };
}

/** The cells that have no whole record from this environment. */
function missing(cells: Map<string, Cell>, environment: Environment, options: RunOptions): Map<string, Cell> {
  const id = fingerprintId(environment.fingerprint);
  const found = scan(options.folder);
  if (!options.force) refuseOtherEnvironments(found, id, environment, options.folder);
  const own = found.records.get(id);
  const todo = new Map([...cells].filter(([cell_id]) => !isStored(options.folder, own?.get(cell_id))));
  options.onStart?.({ environment, done: cells.size - todo.size, todo: todo.size, damaged: found.damaged });
  return todo;
}

function isStored(folder: string, record: CellRecord | undefined): boolean {
  if (record === undefined) return false;
  const { steps, evals, signals } = record.bytes;
  const size = statSync(textPath(folder, record.fingerprint, record.cell_id), { throwIfNoEntry: false })?.size;
  return size === steps + evals + signals;
}

function refuseOtherEnvironments({ records }: Scan, id: string, { fingerprint }: Environment, folder: string): void {
  const others = [...records.keys()].filter((other) => other !== id);
  if (others.length === 0) return;
  throw new UsageError(
    `${folder}: holds results of another environment (${others.join(', ')}; this one is ${id}: ${Object.values(fingerprint).join(' ')}), ` +
      'whose bits may differ; give another folder with --out, or --force to keep those and add this one',
  );
}

function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, 'manifest.json');
  return existsSync(path) ? manifestSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data : undefined;
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
