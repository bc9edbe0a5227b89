/** Measures everything a bench file asks for: group by group, each in several fresh processes, one at a time. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchFiles } from '../bench_columns.ts';
import type { BenchRecord } from '../bench_record.ts';
import { csvText, headerText } from '../run/csv.ts';
import { versionFacts } from '../run/provenance.ts';
import { calibrationOf, confidenceOf } from './estimate.ts';
import { growthsOf } from './growth.ts';
import { disturbanceOf, machineOf, moment, warningsOf } from './machine.ts';
import type { Findings, Order } from './measure.ts';
import { measured, pinning } from './processes.ts';
import { benchRows, type Measured, type Rows, sampleRows } from './rows.ts';
import type { Bench, Footprint, Group, Turn } from './variant.ts';

export interface Watch {
  /** As typed by the user. */
  command: string;
  signal: AbortSignal;
  /** A measuring process came to its end. */
  onProcess(group: Group, done: number): void;
}

export interface Result {
  record: Omit<BenchRecord, 'files'>;
  rows: Rows;
  samples: Rows;
}

/** How many measuring processes a bench takes. */
export const processCount = (bench: Bench): number =>
  bench.groups.reduce((sum, group) => sum + bench.processes + alonesOf(bench, group).length, 0);

/** Variants whose memory is looked at, each in a process that does nothing else. */
const alonesOf = ({ measure }: Bench, { variants }: Group): string[] =>
  measure === 'training'
    ? variants.filter(({ role }) => role === 'baseline' || role === 'variant').map(({ name }) => name)
    : [];

/** @throws Error where a measuring process fails; an AbortError where the signal says so */
export async function runBench(bench: Bench, { command, signal, onProcess }: Watch): Promise<Result> {
  const [started, before] = [new Date().toISOString(), moment()];
  const turns: Turn[] = [];
  const found = new Map<string, Measured>();
  const all: Findings[] = [];
  let done = 0;
  for (const group of bench.groups) {
    const { samples, sample_ms, seed } = bench;
    const ask = async (order: Pick<Order, 'process' | 'peak_of'>) => {
      const findings = await measured({ group, samples, sample_ms, seed, ...order }, signal);
      done += 1;
      onProcess(group, done);
      return findings;
    };
    const own: Findings[] = [];
    for (let process = 0; process < bench.processes; process++) own.push(await ask({ process }));
    all.push(...own);
    turns.push(...own.flatMap((findings) => findings.turns));
    const footprints: Record<string, Footprint> = { ...own[0]?.footprints };
    for (const name of alonesOf(bench, group)) {
      const alone = await ask({ process: bench.processes, peak_of: name });
      footprints[name] = { ...footprints[name], ...alone.footprints[name] };
    }
    found.set(group.name, { footprints, backend: own[0]?.backend ?? '', engine: own[0]?.engine ?? '' });
  }
  const calibrations = bench.groups.map((group) => calibrationOf(group, turns));
  const machine = machineOf(pinning().length > 0 && bench.measure !== 'run');
  const switches = all.map((findings) => findings.switches);
  const disturbance = disturbanceOf(before, moment(), switches);
  const { clipbench = '', ...ours } = versionFacts({});
  const record = {
    clipbench,
    question: bench.question,
    measure: bench.measure,
    file: bench.file,
    sha256: sha256(bench.text),
    command,
    started,
    finished: new Date().toISOString(),
    seed: bench.seed,
    processes: bench.processes,
    confidence: confidenceOf(bench.processes),
    versions: { ...ours, ...all[0]?.versions },
    machine,
    disturbance,
    calibrations,
    growths: growthsOf(bench, turns),
    notes: [...warningsOf(machine, disturbance), ...bench.notes, ...doubtsOf(all)],
  };
  return { record, rows: benchRows(bench, turns, found, calibrations), samples: sampleRows(turns) };
}

/** Each once, whichever process says it. */
const doubtsOf = (all: readonly Findings[]): string[] => [
  ...new Set(
    all.flatMap(({ doubts, fallbacks }) => [
      ...Object.entries(doubts).map(([variant, why]) => `${variant}: ${why}`),
      ...fallbacks.map((why) => `Ran op by op, since it can't be compiled: ${why}`),
    ]),
  ),
];

/** Writes bench.csv, samples.csv and bench.json; the last says that the others are whole. */
export function writeBench(folder: string, { record, rows, samples }: Result): void {
  mkdirSync(folder, { recursive: true });
  const tables = [rows, samples];
  const files = benchFiles.map(({ file, columns }, i) => {
    const text = headerText(columns) + csvText(columns, tables[i] ?? []);
    writeFileSync(join(folder, file), text);
    return [file, { bytes: Buffer.byteLength(text), sha256: sha256(text) }] as const;
  });
  const written: BenchRecord = { ...record, files: Object.fromEntries(files) };
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify(written, null, 2)}\n`);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
