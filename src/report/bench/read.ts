/** Reads results/bench/<name>/: what a throughput measurement wrote. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { benchFiles } from '../../bench_columns.ts';
import { type BenchRecord, benchRecordSchema } from '../../bench_record.ts';
import type { Column } from '../../columns.ts';
import { Finding, UsageError } from '../../types.ts';
import { type Row, required, text } from '../row.ts';

/** One of samples.csv. */
export interface Sample {
  group: string;
  variant: string;
  process: number;
  pass: number;
  calls: number;
  /** Of a call. */
  ms: number;
}

export interface Measurement {
  record: BenchRecord;
  /** Of bench.csv, one for each variant. */
  rows: Row[];
  samples: Sample[];
}

/** Whether a folder holds a throughput measurement, rather than runs. */
export const isMeasurement = (folder: string): boolean => existsSync(join(folder, 'bench.json'));

/** @throws UsageError where there is none; Finding where a file was altered */
export function readMeasurement(folder: string): Measurement {
  const path = join(folder, 'bench.json');
  if (!isMeasurement(folder)) {
    throw new UsageError(
      `${path}: not found; give a folder that \`clipbench bench\` wrote, such as results/bench/clip`,
    );
  }
  const record = recordOf(path);
  const [rows = [], samples = []] = benchFiles.map(({ file, columns }) =>
    rowsOf(join(folder, file), columns, record.files[file]?.sha256),
  );
  return { record, rows, samples: samples.map(sampleOf) };
}

function recordOf(path: string): BenchRecord {
  try {
    return benchRecordSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    throw new Finding(`${path}: no measurement of this version: ${reason}; measure again`);
  }
}

function rowsOf(path: string, columns: readonly Column[], sha256: string | undefined): Row[] {
  if (!existsSync(path)) throw new Finding(`${path}: is missing, though it was measured; measure again`);
  const written = readFileSync(path);
  if (createHash('sha256').update(written).digest('hex') !== sha256) {
    throw new Finding(`${path}: altered since it was measured; restore it or measure again`);
  }
  const [, ...lines]: string[][] = parse(written, { relax_column_count: true });
  return lines.map((line) => Object.fromEntries(columns.map(({ name }, i) => [name, line[i] ?? ''])));
}

const sampleOf = (row: Row): Sample => ({
  group: text(row, 'group'),
  variant: text(row, 'variant'),
  process: required(row, 'process'),
  pass: required(row, 'pass'),
  calls: required(row, 'calls'),
  ms: required(row, 'ms'),
});
