/** Child processes of the set-up: found on PATH, limited in time, never left behind. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Groups that must die with us; see `killChildren`. */
const running = new Set();

/**
 * The first of `names` (of programs on PATH, or full paths) that is an executable file, as a full path.
 * @param {string[]} names
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function which(names, env) {
  for (const name of names) {
    const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
    for (const path of isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))) {
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}

/**
 * Runs a command to its end and never throws: `ok` says whether it exited with 0. Output is kept, not shown.
 * The child leads a process group of its own, so that a time limit or Ctrl-C also ends what it started.
 * @param {string} command
 * @param {string[]} args
 * @param {{env: NodeJS.ProcessEnv, cwd?: string, seconds?: number, show?: boolean, stop?: AbortSignal}} options
 * @returns {Promise<{ok: boolean, stdout: string, stderr: string, why: string}>} `why` tells how it failed
 */
export function runChild(command, args, { env, cwd, seconds = 600, show = false, stop }) {
  return new Promise((resolve) => {
    const output = { stdout: '', stderr: '' };
    const child = spawn(command, args, {
      env,
      cwd,
      detached: process.platform !== 'win32',
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
      shell: process.platform === 'win32' && !command.endsWith('.exe'),
    });
    let why = '';
    const end = (reason) => {
      why ||= reason;
      killGroup(child);
    };
    const limit = setTimeout(() => end(`no end after ${seconds} s`), seconds * 1000);
    const stopped = () => end(String(stop?.reason));
    stop?.addEventListener('abort', stopped);
    running.add(child);
    const watchdog = watch(child);
    child.stdout?.on('data', (chunk) => {
      output.stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output.stderr += chunk;
    });
    const settle = (code, signal, error) => {
      watchdog?.kill('SIGKILL');
      clearTimeout(limit);
      stop?.removeEventListener('abort', stopped);
      running.delete(child);
      why ||= error?.message ?? (signal ? `killed by ${signal}` : `exit code ${code}`);
      resolve({ ok: code === 0, ...output, why: code === 0 ? '' : why });
    };
    child.on('error', (error) => settle(null, null, error));
    child.on('close', (code, signal) => settle(code, signal));
  });
}

/**
 * Ends the child's group when we die without a word: its input is a pipe from us, which the system closes then. So a
 * set-up killed with -9 leaves no npm or pip that goes on writing beside the next set-up.
 */
function watch(child) {
  if (process.platform === 'win32' || !child.pid) return undefined;
  const script = `read _; kill -s KILL -- -${child.pid}`;
  const watchdog = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.on('error', () => {}); // no /bin/sh: then without
  watchdog.unref();
  return watchdog;
}

function killGroup(child) {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // already gone
  }
}

/** Ends every child that still runs; for signal handlers. */
export function killChildren() {
  for (const child of running) killGroup(child);
}

/**
 * The last line of `text` that says something, without pip's and npm's prefixes: what goes into a one-line reason.
 * @param {string} text
 */
export function lastLine(text) {
  const lines = text.split('\n').map((line) => line.replace(/^(ERROR:|npm error|error:)\s*/i, '').trim());
  return lines.filter(Boolean).at(-1) ?? '';
}
