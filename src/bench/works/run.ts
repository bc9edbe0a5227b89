/** `clipbench run` as a user starts it: processes come up, runs are shared out, results are written. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Subject } from '../subject.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export function run({ experiment, workers }: { experiment: string; workers: number }): Subject {
  const folder = mkdtempSync(join(tmpdir(), 'clipbench-bench-'));
  const file = join(folder, 'experiment.yaml');
  writeFileSync(file, experiment);
  const once = (out: string) => {
    const words = ['--import', import.meta.resolve('tsx'), main, 'run', file, '--out', out, '--jobs', String(workers)];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`clipbench run ended with ${status}: ${stderr.trim().split('\n').at(-1)}`);
    rmSync(out, { recursive: true });
  };
  return {
    fresh: true,
    call(count) {
      for (let i = 0; i < count; i++) once(join(folder, 'results'));
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
