/** A worker as its parent sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Fingerprint } from '../engine/fingerprint.ts';
import { UsageError } from '../types.ts';
import { type Assignment, type Setup, type WorkerMessage, workerMessageSchema } from './messages.ts';

export interface Environment {
  fingerprint: Fingerprint;
  /** Why this isn't the native backend; empty where it is. */
  reason: string;
}

/** How one attempt at a cell ended. */
export type Attempt =
  | { status: 'completed' | 'diverged'; seconds: number; fallbacks: string[] }
  /** `output` is what the process printed meanwhile. */
  | { status: 'failed' | 'timeout'; error: string; output: string }
  | { status: 'unwritable'; code: string };

export interface WorkerProcess {
  ready: Promise<Environment>;
  /** Runs one cell, at most this long; never rejects. After anything but a result the process is not to be used again. */
  run(assignment: Assignment, timeout: number): Promise<Attempt>;
  kill(): void;
}

/** A worker that isn't ready after so many ms won't be. */
const START_LIMIT = 60_000;

/** Of a process's output, the end is kept: so many characters. */
const OUTPUT_KEPT = 64_000;

/** Longer than this a timer can't run; in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @param env environment variables beside those of this process */
export function startWorker(setup: Setup, env: NodeJS.ProcessEnv): WorkerProcess {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [JSON.stringify(setup)], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: { ...process.env, ...env },
    // A group of its own: Ctrl-C and the like reach the parent alone, which lets the cell in hand be finished.
    detached: true,
    // JSON would turn NaN and infinities into null.
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  const listen = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  const end = endOf(child);
  const kill = () => child.kill('SIGKILL');

  const ready = Promise.race([
    firstMessage(child).then(environmentOf),
    end.then((how) => Promise.reject(new Error(`a worker ${how} while starting${lastWords(output)}`))),
    after(START_LIMIT, end).then(() => Promise.reject(new Error(`a worker was not ready after ${START_LIMIT} ms`))),
  ]);
  ready.catch(() => {});
  return {
    ready,
    kill,
    async run({ cell_id, cell }, timeout) {
      output = '';
      const answer = firstMessage(child).then((message): Attempt => attemptOf(message, output));
      // A process that is gone says so by its end.
      if (child.connected) child.send({ cell_id, cell }, () => {});
      const attempt = await Promise.race([
        answer,
        end.then((how): Attempt => ({ status: 'failed', error: `the worker process ${how}`, output })),
        after(timeout, Promise.race([end, answer])).then(
          (): Attempt => ({ status: 'timeout', error: `took longer than ${timeout / 1000} s`, output }),
        ),
      ]);
      if (attempt.status === 'timeout') kill();
      return attempt;
    },
  };
}

/** Resolves, to `ended with SIGKILL`, when the process is gone and all its output is read. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`));
    child.once('close', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
  });
}

function firstMessage(child: ChildProcess): Promise<WorkerMessage> {
  return new Promise((resolve) => {
    child.once('message', (raw) => {
      const { data, error } = workerMessageSchema.safeParse(raw);
      resolve(data ?? { kind: 'failed', error: `the worker said what it can't mean: ${error?.message}` });
    });
  });
}

/** Pending for ever when `done` comes first, so that nothing is kept waiting. */
function after(ms: number, done: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    if (ms > LONGEST_TIMER) return;
    const timer = setTimeout(resolve, ms);
    done.finally(() => clearTimeout(timer)).catch(() => {});
  });
}

function environmentOf(message: WorkerMessage): Environment {
  if (message.kind === 'ready') return { fingerprint: message.fingerprint, reason: message.reason };
  if (message.kind === 'unusable') throw message.usage ? new UsageError(message.error) : new Error(message.error);
  throw new Error(`a worker said ${message.kind} before it was ready`);
}

function attemptOf(message: WorkerMessage, output: string): Attempt {
  if (message.kind === 'done') {
    const { status, seconds, fallbacks } = message;
    return { status, seconds, fallbacks };
  }
  if (message.kind === 'unwritable') return { status: 'unwritable', code: message.code };
  const error = 'error' in message ? message.error : `said ${message.kind} in the place of a result`;
  return { status: 'failed', error, output };
}

function lastWords(output: string): string {
  const words = output.trim();
  return words && `: ${words.slice(-2000)}`;
}
