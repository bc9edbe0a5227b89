import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Status } from '../run/status.ts';
import { clock } from './duration.ts';
import { table } from './table.ts';

export function status(): Command {
  return new Command('status')
    .description('how far runs are: done, diverged, failed, in hand, and how long it will take')
    .argument('[folders...]', 'results folders (default: all in results/)')
    .option('--json', 'print as JSON, one folder per line')
    .action(async (folders: string[], options: { json?: boolean }) => {
      const [{ statusOf }, { readPlan }] = await Promise.all([import('../run/status.ts'), import('../run/plan.ts')]);
      const asked = folders.length > 0 ? folders : resultsFolders().filter((folder) => readPlan(folder) !== undefined);
      const found = asked.map(statusOf);
      if (options.json) for (const one of found) console.log(JSON.stringify(one));
      else if (found.length === 0)
        console.log('nothing has run yet in results/: `clipbench run experiments/quickstart.yaml`');
      else print(found);
    });
}

/** Folders in results/, in the order of their names. */
export function resultsFolders(): string[] {
  try {
    return readdirSync('results', { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join('results', name))
      .sort();
  } catch {
    return [];
  }
}

function print(found: Status[]): void {
  const rows = found.map((one) => [
    one.folder,
    ...[one.cells, one.completed, one.diverged, one.failed, one.timeout, one.left].map(String),
    stateOf(one),
  ]);
  console.log(table(['folder', 'cells', 'completed', 'diverged', 'failed', 'timed out', 'left', 'now'], rows));
  for (const { folder, run, in_hand } of found) {
    if (run === undefined) continue;
    console.log(`\n${folder}: process ${run.pid} on ${run.host} since ${run.started}: ${run.command}`);
    for (const { worker, cell_id, since } of in_hand) console.log(`  ${worker}  cell ${cell_id}  since ${since}`);
  }
}

function stateOf({ left, unselected, failed, timeout, run, eta_seconds }: Status): string {
  if (run !== undefined) return eta_seconds === undefined ? 'running' : `running, about ${clock(eta_seconds)} to go`;
  if (left > unselected) {
    const failures = failed + timeout > 0 ? "; with --retry 'failed|timeout' it tries again what failed" : '';
    return `stopped; the same command goes on${failures}`;
  }
  if (unselected > 0) return `done what was selected; ${unselected} cells were not`;
  return failed + timeout > 0 ? 'done, with failures' : 'done';
}
