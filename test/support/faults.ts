/** Things that go wrong: in a worker, at a write, from outside; and what has to hold afterwards. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import {
  linesOf,
  parseRecord,
  type ResultRecord,
  scan,
  segmentFiles,
  segmentsFolder,
  textPath,
} from '../../src/run/store.ts';
import { clipbench, type Ended, experimentFile, resultHashes, start, temporaryFolder } from './clipbench.ts';

export interface Fault {
  kind: 'exception' | 'exit' | 'abort' | 'kill' | 'hang' | 'memory' | 'stillborn';
  /** Of the cells that it befalls. */
  seed: number;
  /** How often in all. */
  times: number;
}

/** Environment in which the workers of `clipbench run` meet a fault. `folder` keeps count. */
export function withFault(folder: string, fault: Fault): NodeJS.ProcessEnv {
  return faulty(join(folder, `marks-${fault.kind}`), { ...fault });
}

export interface WriteFault {
  who: 'parent' | 'worker';
  /** Death, or an error as of a full disk at this write and at every later one. */
  what: 'kill' | 'full';
  /** The results folder. */
  out: string;
}

/** The first process meets the fault at its first write, the second at its second. `met` says how many have. */
export function withWriteFault(folder: string, { who, what, out }: WriteFault) {
  const marks = join(folder, `marks-${who}-${what}`);
  const env = faulty(marks, { kind: 'write', who, what, folder: out });
  return { env, met: () => readFileSync(marks, 'utf8').length };
}

function faulty(marks: string, fault: Record<string, string | number>): NodeJS.ProcessEnv {
  writeFileSync(marks, '');
  return {
    NODE_OPTIONS: `--import ${new URL('./faults.mjs', import.meta.url)}`,
    CLIPBENCH_TEST_FAULT: JSON.stringify({ ...fault, marks }),
  };
}

/** Quick runs, of some 50 ms each. */
export const toyCells = 30;
const toy = `question: Is anything lost?
seeds: ${toyCells / 2}
steps: 30
batch_size: 8
eval_every: 15
task: {name: adding, length: 20}
model: {name: mlp, hidden: [[8]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [none, {name: global_norm, max_norm: 0.1}]
`;

export interface Bench {
  folder: string;
  file: string;
  /** What an undisturbed run writes, and where. */
  calm: Record<string, string>;
  calmFolder: string;
  /** A results folder that isn't there yet. */
  fresh(): string;
  /** An empty folder. */
  scratch(): string;
}

/** The toy matrix, run in peace. */
export async function toyBench(context: { after(clean: () => void): void }): Promise<Bench> {
  process.env.CLIPBENCH_BACKEND = 'cpu'; // nothing here depends on what computes
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, toy, 'toy.yaml');
  const calmFolder = join(folder, 'calm');
  const { code, stderr } = await clipbench(['run', file, '--out', calmFolder, '--jobs', '1']);
  assert.equal(code, 0, stderr);
  assert.equal(storedIds(calmFolder).size, toyCells);
  let count = 0;
  const fresh = () => {
    count += 1;
    return join(folder, `out-${count}`);
  };
  const scratch = () => mkdtempSync(join(folder, 'scratch-'));
  return { folder, file, calm: resultHashes(calmFolder), calmFolder, fresh, scratch };
}

export function rowsOf(folder: string, file: string): Record<string, string>[] {
  return parse(readFileSync(join(folder, file)), { columns: true });
}

/** Cells that are stored: the newest record of each. */
export function storedIds(folder: string): Set<string> {
  return new Set([...scan(folder).stored.values()].flatMap(({ results }) => [...results.keys()]));
}

/** Every whole record of a result, in every segment. */
export function resultRecords(folder: string): ResultRecord[] {
  return segmentFiles(folder)
    .flatMap((file) => [...linesOf(join(segmentsFolder(folder), file))])
    .map(({ line }) => parseRecord(line))
    .filter((record) => typeof record === 'object')
    .filter((record) => 'sha256' in record);
}

export function segmentsOf(folder: string): string[] {
  const segments = segmentsFolder(folder);
  return existsSync(segments) ? readdirSync(segments).filter((file) => file.endsWith('.log')) : [];
}

/** Of the cells, in the order in which they were stored. */
export function textsOf(folder: string): string[] {
  return resultRecords(folder).map(({ fingerprint, cell_id }) => textPath(folder, fingerprint, cell_id));
}

export interface Expected {
  /** For messages. */
  why: string;
  /** Cells stored already, if not all those that are. */
  done?: number;
  words?: string[];
}

/** The same command again, in peace: has to end well, do only what is missing, and give what an undisturbed run gives. */
export async function goOn(bench: Bench, out: string, { why, done, words = [] }: Expected): Promise<Ended> {
  const before = storedIds(out);
  const ended = await clipbench(['run', bench.file, '--out', out, ...words]);
  assert.equal(ended.code, 0, `${why}: ${ended.stdout}${ended.stderr}`);
  assert.equal(doneAlready(ended.stdout), done ?? before.size, `${why}: ${ended.stdout}`);
  assertWhole(bench, out, why);
  // Torn lines are put aside; a call that finds nothing to do doesn't look.
  if (!ended.stdout.includes('nothing was touched')) assert.deepEqual(scan(out).damaged, [], why);
  const after = storedIds(out);
  assert.deepEqual(
    [...before].filter((id) => !after.has(id)),
    [],
    `${why}: lost`,
  );
  return ended;
}

/** `N cells to run, M done already`: M, or undefined where it doesn't say. */
export function doneAlready(stdout: string): number | undefined {
  const [, done] = /^\d+ cells to run, (\d+) done already/m.exec(stdout) ?? [];
  return done === undefined ? undefined : Number(done);
}

/** All is there, once, and what it has to be. */
export function assertWhole(bench: Bench, out: string, why: string): void {
  assert.deepEqual(resultHashes(out), bench.calm, why);
  const ids = rowsOf(out, 'runs.csv').map(({ cell_id }) => cell_id);
  assert.deepEqual([ids.length, new Set(ids).size], [toyCells, toyCells], why);
  const timed = rowsOf(out, 'timing.csv').map(({ cell_id }) => cell_id);
  assert.deepEqual(timed, ids, why);
  assert.deepEqual(rowsOf(out, 'failures.csv'), [], why);
  const strays = readdirSync(out).filter((name) => name.endsWith('.csv') && !(name in bench.calm));
  assert.deepEqual(strays.sort(), ['failures.csv', 'timing.csv'], why);
}

/** No cell was run twice. */
export function assertOnce(out: string, why: string): void {
  const ids = resultRecords(out).map(({ cell_id }) => cell_id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  assert.deepEqual(twice, [], `${why}: run twice`);
}

/** One line on stderr, beside what is said of progress and of stopping. */
export function assertOneLine({ stdout, stderr }: Ended, pattern: RegExp, why: string): void {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '' && !/^\d+\/\d+ cells/.test(line));
  assert.equal(lines.length, 1, `${why}: ${stdout}${stderr}`);
  assert.match(lines[0] ?? '', pattern, why);
}

const running = new Set<ChildProcess>();

export interface Running {
  pid: number;
  child: ChildProcess;
  ended: Promise<Ended>;
  /** What it has printed so far. */
  said(): string;
  over(): boolean;
}

/** Starts `clipbench run` on the matrix; `reap` ends it if nothing else does. */
export function begin(bench: Bench, out: string, words: string[] = [], env: NodeJS.ProcessEnv = {}): Running {
  return watched(start(['run', bench.file, '--out', out, ...words], env));
}

/** Any verb, as another user where one is given. */
export function beginAs(user: number | undefined, words: string[]): Running {
  const script = fileURLToPath(new URL('../../scripts/clipbench.mjs', import.meta.url));
  const who = user === undefined ? {} : { uid: user, gid: user };
  const child = spawn(process.execPath, [script, ...words], { ...who, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return watched({ child, ended });
}

function watched({ child, ended }: { child: ChildProcess; ended: Promise<Ended> }): Running {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  const over = () => child.exitCode !== null || child.signalCode !== null;
  return { pid: child.pid ?? 0, child, ended, said: () => text, over };
}

/** Ends what is still running of what was started. */
export function reap(): void {
  for (const child of running) {
    const family = descendants(child.pid ?? 0);
    child.kill('SIGKILL');
    for (const pid of family) killed(pid);
  }
}

/** Whether there was a process to kill. */
export function killed(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Children, theirs, and so on: workers, and what tsx starts. */
export function descendants(pid: number): number[] {
  const children = readProc(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

export function workersOf(pid: number): number[] {
  return descendants(pid).filter((child) => readProc(child, 'cmdline').includes('run/worker.ts'));
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // gone
  }
}

export function isAlive(pid: number): boolean {
  return /^\d+ \(.*\) [^ZX]/s.test(readProc(pid, 'stat'));
}

/** Waits until none of these is alive. */
export async function gone(pids: number[], why: string): Promise<void> {
  await until(() => !pids.some(isAlive), `${why}: processes ${pids.filter(isAlive)} stay`, 20_000);
}

export async function until(holds: () => boolean, why: string, limit = 120_000): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    if (waited > limit) assert.fail(why);
    await sleep(5);
  }
}

export const noProc = !existsSync('/proc/self/task') && 'needs /proc';
