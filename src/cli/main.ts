/** The command line: parses it, calls one verb, turns errors into one line and an exit code. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { Finding, UsageError } from '../types.ts';
import { apply } from './apply.ts';
import { bench } from './bench.ts';
import { collect } from './collect.ts';
import { compare } from './compare.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { exportResults } from './export.ts';
import { list } from './list.ts';
import { plan } from './plan.ts';
import { query } from './query.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { status } from './status.ts';
import { verify } from './verify.ts';

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../../package.json'));

const program = new Command('clipbench')
  .description('Compares gradient-clipping strategies: runs experiment matrices, writes CSV and a report.')
  .version(version)
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: 0 good, 1 a finding (altered results, a repetition that differs), 2 usage or configuration,
3 some runs failed, 130 interrupted or out of budget.

Examples:
  clipbench plan experiments/quickstart.yaml      what would run, without running it
  clipbench run experiments/quickstart.yaml       run it; the same command again goes on where it stopped
  clipbench status results/quickstart             how far it is
  clipbench verify results/reference              run some of it again and compare bit for bit
  clipbench bench experiments/bench/clip.yaml     how fast strategies are
  clipbench report results/quickstart             write results/quickstart/report.html`,
  );
for (const verb of [
  plan,
  run,
  status,
  collect,
  report,
  query,
  compare,
  exportResults,
  verify,
  list,
  explain,
  apply,
  bench,
  doctor,
])
  program.addCommand(verb().copyInheritedSettings(program));

// Whoever reads may stop early, as `head` does, or the terminal be closed: what is done goes on, unseen.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!('code' in error && (error.code === 'EPIPE' || error.code === 'EIO'))) throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}

function exitCode(error: unknown): number {
  // Commander has printed its message already; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    console.error(error.message);
    return 2;
  }
  if (error instanceof Finding) {
    console.error(error.message);
    return 1;
  }
  // What the file system said: a folder in a file's place, a full disk, missing rights.
  if (error instanceof Error && 'code' in error && 'syscall' in error) {
    const place = 'path' in error ? error.path : `${error.syscall}`;
    console.error(`${place}: ${error.code}; check that there is room, and that this place can be read and written`);
    return 2;
  }
  throw error;
}
