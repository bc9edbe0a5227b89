/** The Python environment of the other systems, made once: `node_modules/.clipbench-peers`. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../src/types.ts';

const folder = fileURLToPath(new URL('../../node_modules/.clipbench-peers', import.meta.url));
const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/** Path of its Python. @throws UsageError when it can't be made */
export function pythonOfPeers(): string {
  const python = join(folder, 'bin', 'python');
  const mark = join(folder, 'complete');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return python;
  process.stderr.write(`making the Python environment of the other systems (2 GB, a few minutes): ${folder}\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
  writeFileSync(mark, wanted);
  return python;
}

function run(command: string, words: string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1);
  throw new UsageError(`\`${command} ${words.join(' ')}\` failed (${reason}); Python 3.11 with venv and pip is needed`);
}
