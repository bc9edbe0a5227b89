/** Worker processes that share out cells. Whatever happens to one costs one attempt of one cell. */
import { canonical } from '../canonical.ts';
import { type Cell, UsageError } from '../types.ts';
import type { Assignment } from './messages.ts';
import { type Environment, startWorker, type WorkerProcess } from './worker-process.ts';

export interface Outcome {
  cell_id: string;
  status: 'completed' | 'diverged' | 'failed' | 'timeout';
  attempts: number;
  seconds?: number;
  /** Of the last attempt. */
  error?: string;
}

export interface PoolOptions {
  /** Where results go. */
  folder: string;
  numerics: Cell['numerics'];
  jobs: number;
  /** Goes with every record. */
  code: string;
  /** Environment variables of the workers, beside those of this process. */
  env: NodeJS.ProcessEnv;
  /** Limit of one attempt, in ms; its process is killed then. */
  timeout: number;
  /** Further attempts after the first. */
  retries: number;
  /** Aborted: no further cell is handed out; those in hand are finished. */
  signal: AbortSignal;
  /** A worker took a cell in hand, or (undefined) has none. */
  onHand?(worker: string, cell_id: string | undefined): void;
  /** An attempt came to nothing. `output` is all that the process printed. */
  onLost?(cell_id: string, attempt: number, error: string, output: string): void;
  onOutcome(outcome: Outcome): void;
}

/** A worker that doesn't come up is started anew so often; then something is wrong with more than a cell. */
const STARTS = 3;

type Queue = (Assignment & { attempts: number })[];
type Start = (index: number) => Promise<WorkerProcess>;

/**
 * Runs cells in the order given, on up to `jobs` processes. `plan` gets to know the environment from the first worker
 * and returns what is to be done.
 *
 * @throws UsageError when results can't be stored any more, or workers can't be started
 */
export async function runPool(
  plan: (environment: Environment) => Map<string, Cell>,
  options: PoolOptions,
): Promise<Environment> {
  const started: WorkerProcess[] = [];
  const start: Start = async (index) => {
    for (let left = STARTS - 1; ; left--) {
      const { folder, numerics, code } = options;
      const setup = { folder, name: `w${index + 1}`, numerics, code, parent: process.pid };
      const worker = startWorker(setup, options.env);
      started.push(worker);
      try {
        await worker.ready;
        return worker;
      } catch (error) {
        worker.kill();
        if (error instanceof UsageError) throw error;
        const words = error instanceof Error ? error.message : String(error);
        if (left === 0)
          throw new UsageError(`${words}; ${STARTS} in a row, so nothing can be run: \`npx clipbench doctor\``);
      }
    }
  };
  try {
    const first = await start(0);
    const environment = await first.ready;
    const queue = [...plan(environment)].map(([cell_id, cell]) => ({ cell_id, cell, attempts: 0 }));
    const count = Math.max(1, Math.min(options.jobs, queue.length));
    const next: Start = async (index) => {
      const worker = await start(index);
      const own = await worker.ready;
      if (canonical(own.fingerprint) === canonical(environment.fingerprint)) return worker;
      throw new Error(`worker ${index + 1} came up as ${canonical(own)}, unlike the first: ${canonical(environment)}`);
    };
    await Promise.all(
      Array.from({ length: count }, (_, i) => serve(i === 0 ? first : undefined, i, queue, next, options)),
    );
    return environment;
  } finally {
    for (const worker of started) worker.kill();
  }
}

/** One worker's life: takes cells until there are none; a process that failed at one is replaced. */
async function serve(
  given: WorkerProcess | undefined,
  index: number,
  queue: Queue,
  start: Start,
  options: PoolOptions,
): Promise<void> {
  const name = `w${index + 1}`;
  let worker = given;
  while (!options.signal.aborted && queue.length > 0) {
    worker ??= await start(index);
    const next = options.signal.aborted ? undefined : queue.shift();
    if (next === undefined) break;
    const { cell_id } = next;
    options.onHand?.(name, cell_id);
    next.attempts += 1;
    const attempt = await worker.run(next, options.timeout);
    options.onHand?.(name, undefined);
    if ('seconds' in attempt) {
      options.onOutcome({ cell_id, attempts: next.attempts, ...attempt });
      continue;
    }
    if (attempt.status === 'unwritable') throw unwritable(options.folder, attempt.code);
    // What went wrong may have left the process in a bad state.
    worker.kill();
    worker = undefined;
    const { status, error, output } = attempt;
    options.onLost?.(cell_id, next.attempts, error, output);
    if (next.attempts > options.retries) options.onOutcome({ cell_id, attempts: next.attempts, status, error });
    else queue.unshift(next);
  }
  worker?.kill();
}

/** What to say when the operating system refuses to write results. */
export function unwritable(folder: string, code: string): UsageError {
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
  const remedy = full ? 'make room' : 'check that this place can be written';
  return new UsageError(
    `${folder}: results can't be written any more (${full ? 'no room: ' : ''}${code}); what is done is kept; ${remedy}, then the same command goes on`,
  );
}
