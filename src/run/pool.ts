/** Worker processes that share out cells. Whatever happens to one costs one attempt of one cell. */
import { canonical } from '../canonical.ts';
import { type Cell, type Engine, UsageError } from '../types.ts';
import type { Assignment } from './messages.ts';
import { type Environment, startWorker, type WorkerProcess } from './worker-process.ts';

export interface Outcome {
  cell_id: string;
  status: 'completed' | 'diverged' | 'failed' | 'timeout';
  attempts: number;
  seconds?: number;
  /** Why something in it ran op by op, though it was to be compiled. */
  fallbacks?: string[];
  /** Of the last attempt. */
  error?: string;
}

export interface PoolOptions {
  /** Where results go. */
  folder: string;
  numerics: Cell['numerics'];
  /** The best there is on the backend, where none is asked for. */
  engine: Engine['name'] | undefined;
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

interface Crew {
  /** Brings a worker up. Undefined where there is nothing left for it to do. */
  start(index: number): Promise<WorkerProcess | undefined>;
  /** Ends every worker: all is done, or something is wrong with more than a cell. */
  disband(): void;
  disbanded: boolean;
  /** Workers that are not given up. */
  size: number;
  /** Cells in hand. */
  busy: number;
}

/**
 * Runs cells in the order given, on up to `jobs` processes. `plan` gets to know the environment from the first worker
 * and returns what is to be done. Undefined when it was stopped before that.
 *
 * @throws UsageError when results can't be stored any more, or workers can't be started
 */
export async function runPool(
  plan: (environment: Environment) => Map<string, Cell>,
  options: PoolOptions,
): Promise<Environment | undefined> {
  const crew = gatherCrew(options);
  // Those that come up have no cell in hand that would have to be waited for.
  const stop = () => crew.busy === 0 && crew.disband();
  options.signal.addEventListener('abort', stop);
  try {
    const first = await crew.start(0);
    if (first === undefined) return undefined;
    const environment = await first.ready;
    const queue = [...plan(environment)].map(([cell_id, cell]) => ({ cell_id, cell, attempts: 0 }));
    crew.size = Math.max(1, Math.min(options.jobs, queue.length));
    let fault: { error: unknown } | undefined;
    const lives = Array.from({ length: crew.size }, (_, i) =>
      serve(i === 0 ? first : undefined, i, queue, crew, options).catch((error: unknown) => {
        fault ??= { error };
        crew.disband();
      }),
    );
    await Promise.all(lives);
    if (fault !== undefined) throw fault.error;
    return environment;
  } finally {
    options.signal.removeEventListener('abort', stop);
    crew.disband();
  }
}

function gatherCrew({ folder, numerics, engine, code, env, signal }: PoolOptions): Crew {
  const started: WorkerProcess[] = [];
  let known: Environment | undefined;
  const crew: Crew = {
    disbanded: false,
    size: 1,
    busy: 0,
    disband() {
      crew.disbanded = true;
      for (const worker of started) worker.kill();
    },
    async start(index) {
      for (let left = STARTS - 1; !crew.disbanded && !signal.aborted; left--) {
        const setup = { folder, name: `w${index + 1}`, numerics, engine, code, parent: process.pid };
        const worker = startWorker(setup, env);
        started.push(worker);
        try {
          const environment = await worker.ready;
          known ??= environment;
          refuseUnlike(known, environment, index);
          return worker;
        } catch (error) {
          worker.kill();
          if (crew.disbanded) return undefined;
          if (error instanceof UsageError) throw error;
          const words = error instanceof Error ? error.message : String(error);
          const remedy = `${STARTS} in a row, so nothing can be run: see \`npx clipbench doctor\``;
          if (left === 0) throw new UsageError(`${words}; ${remedy}`);
        }
      }
      return undefined;
    },
  };
  return crew;
}

/** One results folder, one set of bits. */
function refuseUnlike(first: Environment, own: Environment, index: number): void {
  const [a, b] = [first, own].map(({ fingerprint }) => canonical(fingerprint));
  if (a !== b) throw new UsageError(`worker ${index + 1} came up as ${b}, unlike the first: ${a}; run it again`);
}

/** One worker's life: takes cells until there are none; a process that failed at one is replaced. */
async function serve(
  given: WorkerProcess | undefined,
  index: number,
  queue: Queue,
  crew: Crew,
  options: PoolOptions,
): Promise<void> {
  const name = `w${index + 1}`;
  let worker = given;
  while (!options.signal.aborted && !crew.disbanded && queue.length > 0) {
    try {
      worker ??= await crew.start(index);
    } catch (error) {
      // The others go on without it.
      if (crew.size === 1) throw error;
      crew.size -= 1;
      return;
    }
    const next = options.signal.aborted || worker === undefined ? undefined : queue.shift();
    if (worker === undefined || next === undefined) break;
    const { cell_id } = next;
    options.onHand?.(name, cell_id);
    crew.busy += 1;
    next.attempts += 1;
    const attempt = await worker.run(next, options.timeout);
    crew.busy -= 1;
    options.onHand?.(name, undefined);
    if ('seconds' in attempt) {
      options.onOutcome({ cell_id, attempts: next.attempts, ...attempt });
      continue;
    }
    if (attempt.status === 'unwritable') throw unwritable(options.folder, attempt.code);
    if (crew.disbanded) break; // killed by us, through no fault of the cell
    // What went wrong may have left the process in a bad state.
    worker.kill();
    worker = undefined;
    const { status, error, output } = attempt;
    options.onLost?.(cell_id, next.attempts, error, output);
    if (next.attempts > options.retries) options.onOutcome({ cell_id, attempts: next.attempts, status, error });
    else queue.unshift(next);
  }
  worker?.kill();
  // Nor wait for workers that are coming up with nothing left to do.
  if (crew.busy === 0 && (queue.length === 0 || options.signal.aborted)) crew.disband();
}

/** What to say when the operating system refuses to write results. */
export function unwritable(folder: string, code: string): UsageError {
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
  const remedy = full ? 'make room' : 'check that this place can be written';
  return new UsageError(
    `${folder}: results can't be written any more (${full ? 'no room: ' : ''}${code}); what is done is kept; ${remedy}, then the same command goes on`,
  );
}
