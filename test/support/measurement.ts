/** Made-up folders of a throughput measurement, in the exact columns of src/bench_columns.ts and the same on every call. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import seedrandom from 'seedrandom';
import {
  calibrationOf,
  confidenceOf,
  type Interval,
  ratiosOf,
  timesOf,
  typical,
  verdictOf,
} from '../../src/bench/estimate.ts';
import type { Facts, Group, Role, Turn } from '../../src/bench/variant.ts';
import { benchFiles } from '../../src/bench_columns.ts';
import type { BenchRecord, Growth } from '../../src/bench_record.ts';

export interface WantedVariant {
  name: string;
  /** ms of a call, before noise. */
  ms: number;
  role?: Role;
  facts?: Facts;
  /** Of bench.csv: kernels, peak_mb, ... */
  figures?: Record<string, number>;
}

export interface WantedGroup {
  name: string;
  facts?: Facts;
  variants: WantedVariant[];
  /** The first variant is measured twice; its twin takes so many times as long. */
  again?: number;
}

export interface WantedMeasurement {
  measure?: BenchRecord['measure'];
  question?: string;
  groups?: WantedGroup[];
  processes?: number;
  /** Samples differ by about this share, processes by twice as much. */
  noise?: number;
  /** Fields of bench.json in place of those made up. */
  record?: Partial<BenchRecord>;
}

type Value = string | number | undefined;
type Rows = Record<string, Value>[];

export interface Measured {
  record: BenchRecord;
  rows: Rows;
  samples: Rows;
}

const usual: WantedGroup = {
  name: 'mnist · mlp',
  facts: {
    task: 'mnist',
    model: 'mlp',
    optimizer: 'sgd',
    batch_size: 64,
    parameters: 50_890,
    entries: 50_890,
    tensors: 4,
  },
  variants: [
    { name: 'none', ms: 2, role: 'baseline', facts: { strategy: 'none' } },
    { name: 'value', ms: 2.002, facts: { strategy: 'value' }, figures: { kernels: 31, peak_mb: 4.5 } },
    { name: 'sign', ms: 1.7, facts: { strategy: 'sign' }, figures: { kernels: 20, peak_mb: 4.4 } },
    { name: 'global_norm', ms: 2.6, facts: { strategy: 'global_norm' }, figures: { kernels: 43, peak_mb: 4.6 } },
    { name: 'agc', ms: 3.9, facts: { strategy: 'agc' }, figures: { kernels: 80, peak_mb: 6 } },
  ],
};

/** Gradients of growing size: what a call costs anyway, and what each number costs. */
export const growing = (sizes: readonly number[], strategies: readonly string[]): WantedGroup[] =>
  sizes.map((entries) => ({
    name: `${entries} entries in 4 tensors`,
    facts: { entries, tensors: 4 },
    variants: strategies.map((name, i) => ({
      name,
      ms: 0.01 + (1 + i) * 4e-7 * entries,
      facts: { strategy: name },
    })),
  }));

export function measured(wanted: WantedMeasurement = {}): Measured {
  const { measure = 'step', processes = 6, noise = 0.01, groups = [usual] } = wanted;
  const made = groups.map((group) => ofGroup(group, measure, processes, noise));
  return {
    record: {
      ...recordOf(wanted, processes),
      calibrations: made.map(({ calibration }) => calibration),
      ...wanted.record,
    },
    rows: made.flatMap(({ rows }) => rows),
    samples: made.flatMap(({ turns }) =>
      turns.flatMap(({ ms, ...turn }) => ms.map((own, sample) => ({ ...turn, sample, ms: own }))),
    ),
  };
}

function ofGroup(wanted: WantedGroup, measure: BenchRecord['measure'], processes: number, noise: number) {
  const [first] = wanted.variants;
  if (first === undefined) throw new Error(`${wanted.name}: no variant`);
  const twin = `${first.name} again`;
  const entries = Number(wanted.facts?.entries ?? 1000);
  const all: WantedVariant[] = [
    ...wanted.variants,
    { ...first, name: twin, role: 'again', ms: first.ms * (wanted.again ?? 1), figures: {} },
    { name: 'copy', role: 'reference', ms: 1e-7 * entries, facts: { entries } },
    { name: 'arithmetic', role: 'reference', ms: 5 },
  ];
  const turns = all.flatMap((variant) => turnsOf(wanted.name, variant, processes, noise));
  const baseline = wanted.variants.find(({ role }) => role === 'baseline')?.name ?? 'copy';
  const group: Group = {
    name: wanted.name,
    backend: 'native',
    engine: 'compiled',
    numerics: 'repro',
    baseline,
    again: { variant: first.name, twin },
    variants: all.map(({ name, role = 'variant' }) => ({ name, role, work: { kind: 'sleep', ms: 1 }, facts: {} })),
    alone: false,
  };
  const calibration = calibrationOf(group, turns);
  const rows = all.map(({ name, role = 'variant', facts, figures }) => {
    const isCompared = name !== baseline && role !== 'reference';
    const ratio = isCompared ? typical(ratiosOf(turns, name, baseline)) : undefined;
    return {
      group: wanted.name,
      variant: name,
      role,
      measure,
      backend: 'native',
      engine: 'compiled',
      numerics: 'repro',
      ...(role !== 'reference' && wanted.facts),
      ...facts,
      ...spread('ms', typical(timesOf(turns, name))),
      ...(ratio && spread('ratio', ratio)),
      ...(ratio && baseline !== 'copy' && { verdict: verdictOf(ratio, calibration.itself.noise) }),
      ...figures,
      processes,
      samples: 8 * processes,
    };
  });
  return { turns, calibration, rows };
}

function turnsOf(group: string, { name, ms }: WantedVariant, processes: number, noise: number): Turn[] {
  return Array.from({ length: processes }, (_, process) => {
    const shared = 1 + 2 * noise * (seedrandom.alea(`${group} ${process}`)() - 0.5);
    const random = seedrandom.alea(`${group} ${name} ${process}`);
    return [0, 1, 2, 3].map((pass): Turn => {
      const samples = [0, 1].map(() => ms * shared * (1 + noise * (random() - 0.5)));
      return { group, variant: name, process, pass, calls: 10, ms: samples };
    });
  }).flat();
}

const spread = (name: string, { estimate, low, high }: Interval): Record<string, number> => ({
  [name]: estimate,
  [`${name}_low`]: low,
  [`${name}_high`]: high,
});

export const growth = (variant: string, more: Partial<Growth> = {}): Growth => ({
  variant,
  over: 'entries',
  from: 1000,
  to: 1e6,
  points: 4,
  estimate: 0.71,
  low: 0.7,
  high: 0.73,
  ...more,
});

const recordOf = ({ measure = 'step', question }: WantedMeasurement, processes: number): BenchRecord => ({
  clipbench: '0.1.0',
  question: question ?? 'How much longer does a training step take with each clipping strategy?',
  measure,
  file: 'experiments/bench/step.yaml',
  sha256: sha('step'),
  command: 'clipbench bench experiments/bench/step.yaml',
  started: '2025-01-02T03:04:05.000Z',
  finished: '2025-01-02T03:14:05.000Z',
  seed: 7,
  processes,
  confidence: confidenceOf(processes),
  versions: { node: 'v20.0.0', tfjs: '4.22.0' },
  machine: {
    platform: 'linux x64',
    cpu: 'Example 9000',
    cores: 4,
    memory_gb: 16,
    governor: 'performance',
    vector: 'avx2',
    pinned: true,
  },
  disturbance: { load_before: 0.1, load_after: 1.05, free_memory_gb: 12, stolen: 0, switches_per_second: 3 },
  calibrations: [],
  growths: [],
  notes: [],
  files: {},
});

/** Writes the folder as `clipbench bench` would, bench.json with the hashes of the CSV files; returns its path. */
export async function writeMeasurement(folder: string, made: Measured): Promise<string> {
  await mkdir(folder, { recursive: true });
  const files: BenchRecord['files'] = {};
  for (const [i, { file, columns }] of benchFiles.entries()) {
    const rows = i === 0 ? made.rows : made.samples;
    const lines = rows.map((row) => columns.map(({ name }) => String(row[name] ?? '')));
    const text = stringify([columns.map(({ name }) => name), ...lines]);
    await writeFile(join(folder, file), text);
    files[file] = { bytes: Buffer.byteLength(text), sha256: sha(text) };
  }
  await writeFile(join(folder, 'bench.json'), JSON.stringify({ ...made.record, files }, null, 2));
  return folder;
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
