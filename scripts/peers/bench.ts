/**
 * `npm run bench:peers`: the same training steps in clipbench, TensorFlow.js, PyTorch, JAX and Keras, side by side. Every round
 * times all works once in one fresh process of each system, on one thread and one core, in an order drawn anew.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { stream } from '../../src/engine/random.ts';
import { renderSvg } from '../../src/report/svg.ts';
import { UsageError } from '../../src/types.ts';
import { chart } from './chart.ts';
import { ratiosOf, rowsOf, type Timing } from './comparison.ts';
import { writeInputs } from './inputs.ts';
import { ratiosTable, systems, timesTable } from './table.ts';
import { pythonOfPeers } from './venv.ts';
import { workNames } from './works.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const results = fileURLToPath(new URL('../../results/peers', import.meta.url));

/** What a process prints for a work. */
const lineSchema = z.union([
  z.object({ work: z.string(), error: z.string() }),
  z.object({
    work: z.string(),
    ms: z.number().positive(),
    losses: z.array(z.number()),
    norms: z.array(z.number().nullable()),
  }),
]);
type Line = z.infer<typeof lineSchema>;

interface Process {
  system: string;
  profile: string;
}

const profilesOf: Record<string, string[]> = {
  'clipbench-compiled': ['repro', 'fast'],
  'clipbench-compiled-k': ['repro', 'fast'],
  'clipbench-eager': ['repro', 'fast'],
  'tfjs-eager': ['fast'], // how it comes
};

const count = (text: string) => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number from 1 on');
};
const seconds = (text: string) => {
  if (Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('a number of seconds above 0');
};
const program = new Command('bench:peers')
  .description('Times the same training steps in clipbench and in other systems.')
  .addOption(new Option('--work <names...>', 'these works only').choices(workNames).default(workNames, 'all'))
  .addOption(new Option('--system <names...>', 'these systems only').choices(systems).default(systems, 'all'))
  .option('--rounds <count>', 'fresh processes of each system', count, 6)
  .option('--seconds <number>', 'timed per work and process', seconds, 0.4)
  .option('--core <number>', 'the core everything runs on', String(availableParallelism() - 1));
const options = z
  .object({
    work: z.array(z.string()),
    system: z.array(z.string()),
    rounds: z.number(),
    seconds: z.number(),
    core: z.string(),
  })
  .parse(program.parse().opts());

const folder = mkdtempSync(join(tmpdir(), 'clipbench-peers-'));
try {
  await bench();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
} finally {
  rmSync(folder, { recursive: true });
}

async function bench(): Promise<void> {
  const chosen = systems.filter((system) => options.system.includes(system));
  const python = chosen.some((system) => profilesOf[system] === undefined) ? pythonOfPeers() : '';
  writeInputs(folder);
  const processes = chosen.flatMap((system) => (profilesOf[system] ?? ['']).map((profile) => ({ system, profile })));
  const timings: Timing[] = [];
  const failures = new Map<string, string>();
  const checked = sameWork();
  const order = stream('peers', 'order');
  for (let round = 0; round < options.rounds; round++) {
    for (const index of order.permutation(processes.length)) {
      const own = processes[index];
      if (own === undefined) continue;
      process.stderr.write(`round ${round + 1} of ${options.rounds}: ${own.system} ${own.profile}\n`);
      for (const line of timed(own, python)) {
        if ('error' in line) failures.set(`${line.work}, ${own.system}`, line.error);
        else {
          checked(own.system, line);
          timings.push({ round, ...own, work: line.work, ms: line.ms });
        }
      }
    }
  }
  await write(timings, failures);
}

/** One process times all works. */
function timed({ system, profile }: Process, python: string): Line[] {
  const words =
    profile === ''
      ? [python, here('peers.py'), system, folder, ...options.work, '--seconds', String(options.seconds)]
      : [
          process.execPath,
          '--import',
          'tsx',
          here('tfjs.ts'),
          system,
          profile,
          String(options.seconds),
          ...options.work,
        ];
  const pinned = process.platform === 'linux' ? ['taskset', '-c', options.core, ...words] : words;
  const [command = '', ...rest] = pinned;
  const { stdout, stderr, status, error } = spawnSync(command, rest, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (error !== undefined || status !== 0) {
    throw new UsageError(`${system} ended with ${error?.message ?? status}: ${stderr.trim().split('\n').at(-1)}`);
  }
  return stdout
    .trim()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));
}

/**
 * All systems have to see the same losses and gradient norms over the first 20 steps: to 1e-4 in the first five, then to 1e-2,
 * since a pre-activation near 0 that falls on either side of it makes runs part a little.
 */
function sameWork(): (system: string, line: Extract<Line, { ms: number }>) => void {
  const first = new Map<string, { system: string; values: number[] }>();
  return (system, { work, losses, norms }) => {
    for (const [what, found] of [
      ['loss', losses],
      ['norm', norms],
    ] as const) {
      const values = found.flatMap((value) => value ?? []);
      if (values.length === 0) continue;
      const other = first.get(`${work} ${what}`) ?? { system, values };
      first.set(`${work} ${what}`, other);
      for (const [t, value] of values.entries()) {
        const expected = other.values[t] ?? Number.NaN;
        if (Math.abs(value - expected) <= (t < 5 ? 1e-4 : 1e-2) * Math.abs(expected)) continue;
        throw new UsageError(
          `${work} isn't the same work: ${what} ${t} is ${value} in ${system}, ${expected} in ${other.system}`,
        );
      }
    }
  };
}

async function write(timings: Timing[], failures: Map<string, string>): Promise<void> {
  const order = (work: string, system: string) => workNames.indexOf(work) * 100 + systems.indexOf(system);
  const rows = rowsOf(timings).sort((a, b) => order(a.work, a.system) - order(b.work, b.system));
  const ratios = ratiosOf(timings).sort((a, b) => order(a.work, a.peer) - order(b.work, b.peer));
  const confidence = Math.min(95, 100 * (1 - 2 ** (1 - options.rounds))).toFixed(1);
  const text = [
    timesTable(rows),
    '',
    `Medians of ${options.rounds} fresh processes, one thread on one core of ${cpus()[0]?.model.trim()} (${availableParallelism()} cores);`,
    `intervals of ${confidence} % from paired rounds;`,
    'losses and gradient norms checked to be the same. Where clipbench has two profiles, the faster one is shown.',
    '',
    ratiosTable(ratios.filter(({ factor }) => factor !== undefined)),
  ].join('\n');
  process.stdout.write(`${text}\n\n${ratiosTable(ratios.filter(({ factor }) => factor === undefined))}\n`);
  for (const [where, why] of failures) process.stdout.write(`${where}: ${why}\n`);
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'peers.csv'), stringify(rows, { header: true, columns: Object.keys(rows[0] ?? {}) }));
  writeFileSync(join(results, 'timings.csv'), stringify(timings, { header: true }));
  writeFileSync(join(results, 'peers.md'), `${text}\n`);
  const alternative = { id: 'peers', title: 'Time of a training step', description: 'Medians by system and work.' };
  writeFileSync(join(results, 'peers.svg'), await renderSvg(chart(rows), alternative));
  process.stderr.write(`wrote ${results}: peers.csv, timings.csv, peers.md, peers.svg\n`);
}
