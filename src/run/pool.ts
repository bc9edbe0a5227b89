/** Worker processes that share out cells. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { canonical } from '../canonical.ts';
import type { Fingerprint } from '../engine/fingerprint.ts';
import { type Cell, UsageError } from '../types.ts';
import { type Assignment, workerMessageSchema } from './messages.ts';

/** A cell is tried this often: a crash costs one attempt of one cell. */
const ATTEMPTS = 2;

export interface Outcome {
  cell_id: string;
  status: 'completed' | 'diverged' | 'failed';
  attempts: number;
  error?: string;
}

export interface Environment {
  fingerprint: Fingerprint;
  /** Why this isn't the native backend; empty where it is. */
  reason: string;
}

export interface PoolOptions {
  folder: string;
  numerics: Cell['numerics'];
  jobs: number;
  signal: AbortSignal;
  onOutcome(outcome: Outcome): void;
}

interface Worker {
  process: ChildProcess;
  ready: Promise<Environment>;
  /** Runs one cell; rejects when the process ends before it is done. */
  run(assignment: Assignment): Promise<Outcome['status']>;
}

/**
 * Runs cells in the order given, on up to `jobs` processes. `plan` gets to know the environment from the first worker
 * and returns what is to be done.
 */
export async function runPool(
  plan: (environment: Environment) => Map<string, Cell>,
  options: PoolOptions,
): Promise<Environment> {
  const started: Worker[] = [];
  const start = (index: number): Worker => {
    const worker = startWorker(options, index);
    started.push(worker);
    return worker;
  };
  const first = start(0);
  try {
    const environment = await first.ready;
    const queue = [...plan(environment)].map(([cell_id, cell]) => ({ cell_id, cell, attempts: 0 }));
    const count = Math.max(1, Math.min(options.jobs, queue.length));
    const next = async (index: number): Promise<Worker> => {
      const worker = start(index);
      const own = await worker.ready;
      if (canonical(own.fingerprint) === canonical(environment.fingerprint)) return worker;
      throw new Error(`worker ${index + 1} came up as ${canonical(own)}, unlike the first: ${canonical(environment)}`);
    };
    await Promise.all(
      Array.from({ length: count }, (_, i) => serve(i === 0 ? first : undefined, i, queue, next, options)),
    );
    return environment;
  } finally {
    for (const worker of started) worker.process.kill();
  }
}

type Queue = (Assignment & { attempts: number })[];

/** One worker's life: takes cells until there are none; a process that ends early is replaced. */
async function serve(
  given: Worker | undefined,
  index: number,
  queue: Queue,
  start: (index: number) => Promise<Worker>,
  options: PoolOptions,
): Promise<void> {
  let worker = given;
  while (!options.signal.aborted) {
    const next = queue.shift();
    if (next === undefined) break;
    next.attempts += 1;
    const { cell_id, attempts } = next;
    try {
      worker ??= await start(index);
      options.onOutcome({ cell_id, attempts, status: await worker.run(next) });
    } catch (error) {
      worker?.process.kill();
      worker = undefined;
      if (error instanceof UsageError) throw error;
      if (options.signal.aborted) break;
      if (attempts < ATTEMPTS) queue.unshift(next);
      else options.onOutcome({ cell_id, attempts, status: 'failed', error: String(error) });
    }
  }
  worker?.process.kill();
}

function startWorker({ folder, numerics }: PoolOptions, index: number): Worker {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [folder, `w${index + 1}`, numerics], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    // A group of its own: Ctrl-C and the like reach the parent alone, which lets the cell in hand be finished.
    detached: true,
    // JSON would turn NaN and infinities into null.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-4000);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      reject(new Error(`worker ended with ${signal ?? `exit code ${code}`}${lastWords && `: ${lastWords.trim()}`}`));
    });
  });
  ended.catch(() => {});
  const answer = <T>(read: (message: unknown) => T | undefined): Promise<T> =>
    Promise.race([
      ended,
      new Promise<T>((resolve, reject) => {
        const listen = (raw: unknown) => {
          try {
            const value = read(raw);
            if (value === undefined) return;
            resolve(value);
          } catch (error) {
            reject(error);
          }
          child.off('message', listen);
        };
        child.on('message', listen);
      }),
    ]);
  const ready = answer((raw) => {
    const message = workerMessageSchema.parse(raw);
    if (message.kind === 'unusable') throw message.usage ? new UsageError(message.error) : new Error(message.error);
    return message.kind === 'ready' ? { fingerprint: message.fingerprint, reason: message.reason } : undefined;
  });
  ready.catch(() => {});
  return {
    process: child,
    ready,
    async run(assignment) {
      await ready;
      const done = answer((raw) => {
        const message = workerMessageSchema.parse(raw);
        if (message.kind === 'failed') throw new Error(message.error);
        return message.kind === 'done' ? message.status : undefined;
      });
      child.send({ cell_id: assignment.cell_id, cell: assignment.cell });
      return done;
    },
  };
}
