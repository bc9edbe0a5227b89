/** Runs the command line as a user does, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/clipbench.mjs', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @param kilobytes the largest file it may write: what a full disk looks like to it */
export function start(
  words: string[],
  env: NodeJS.ProcessEnv = {},
  kilobytes?: number,
): { child: ChildProcess; ended: Promise<Ended> } {
  const command = [process.execPath, script, ...words];
  const limit = kilobytes === undefined ? [] : ['bash', '-c', `ulimit -f ${kilobytes} && exec "$@"`, 'bash'];
  const [program = '', ...rest] = [...limit, ...command];
  const child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

export function clipbench(words: string[], env: NodeJS.ProcessEnv = {}, kilobytes?: number): Promise<Ended> {
  return start(words, env, kilobytes).ended;
}

/** A folder that is gone when the test is. */
export function temporaryFolder(context: { after(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'clipbench-test-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes an experiment file and returns its path. */
export function experimentFile(folder: string, text: string, name = 'small.yaml'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Hashes of the files that have to be the same on every repetition. */
export function resultHashes(folder: string): Record<string, string> {
  return Object.fromEntries(
    ['runs.csv', 'steps.csv', 'evals.csv', 'signals.csv'].map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  );
}
