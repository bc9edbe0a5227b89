/**
 * Finished cells on disk. A cell is done if and only if its record is there, whole.
 *
 *   cells/FINGERPRINT/XX/CELL_ID.txt    its rows of steps, evals and signals; renamed into place first
 *   cells/segments/WORKER-START.log     records, a line each: checksum, space, JSON; appended and flushed last
 *
 * A worker writes a segment of its own, new at every start, so nothing is ever written after a torn line.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { RunText } from './text.ts';

const recordSchema = z.object({
  fingerprint: z.string(),
  cell_id: z.string().regex(/^[0-9a-f]{16}$/),
  status: z.enum(['completed', 'diverged']),
  /** The row of runs.csv. */
  run: z.string(),
  /** Bytes of each part of the cell's text, in this order, and the hash of the whole. */
  bytes: z.object({ steps: z.int(), evals: z.int(), signals: z.int() }),
  sha256: z.string(),
  /** The row of timing.csv. */
  timing: z.string(),
  data: z.record(z.string(), z.string()),
});
export type CellRecord = z.infer<typeof recordSchema>;

export interface Scan {
  /** Newest whole record of each cell, by fingerprint, then cell_id. */
  records: Map<string, Map<string, CellRecord>>;
  /** Lines that are cut off or don't match their checksum, as `file:line`. */
  damaged: string[];
}

export interface Segment {
  /** Makes a finished cell durable. */
  commit(text: RunText, facts: Pick<CellRecord, 'fingerprint' | 'cell_id' | 'status' | 'timing' | 'data'>): void;
}

/** A new segment for one worker process. */
export function openSegment(folder: string, name: string): Segment {
  const segments = join(folder, 'cells', 'segments');
  mkdirSync(segments, { recursive: true });
  const file = openSync(join(segments, `${name}.log`), 'ax');
  return {
    commit(text, facts) {
      const body = Buffer.from(text.steps + text.evals + text.signals);
      writeDurably(textPath(folder, facts.fingerprint, facts.cell_id), body);
      const record: CellRecord = {
        ...facts,
        run: text.run,
        bytes: {
          steps: Buffer.byteLength(text.steps),
          evals: Buffer.byteLength(text.evals),
          signals: Buffer.byteLength(text.signals),
        },
        sha256: createHash('sha256').update(body).digest('hex'),
      };
      const json = JSON.stringify(record);
      writeAll(file, Buffer.from(`${checksum(json)} ${json}\n`));
      fdatasyncSync(file);
    },
  };
}

/** All records of a results folder. */
export function scan(folder: string): Scan {
  const records: Scan['records'] = new Map();
  const damaged: string[] = [];
  const segments = join(folder, 'cells', 'segments');
  const files = existsSync(segments) ? readdirSync(segments).filter((file) => file.endsWith('.log')) : [];
  files.sort();
  for (const file of files) {
    const lines = readFileSync(join(segments, file), 'utf8').split('\n');
    const torn = lines.pop();
    if (torn !== '') damaged.push(`${file}:${lines.length + 1}`);
    lines.forEach((line, i) => {
      const record = parseRecord(line);
      if (record === undefined) {
        damaged.push(`${file}:${i + 1}`);
        return;
      }
      const own = records.get(record.fingerprint) ?? new Map<string, CellRecord>();
      records.set(record.fingerprint, own.set(record.cell_id, record));
    });
  }
  return { records, damaged };
}

/** A cell's rows, or undefined where the file is missing or not what its record says. */
export function readText(folder: string, record: CellRecord): Record<keyof CellRecord['bytes'], Buffer> | undefined {
  const path = textPath(folder, record.fingerprint, record.cell_id);
  const body = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (createHash('sha256').update(body).digest('hex') !== record.sha256) return undefined;
  const { steps, evals, signals } = record.bytes;
  return {
    steps: body.subarray(0, steps),
    evals: body.subarray(steps, steps + evals),
    signals: body.subarray(steps + evals, steps + evals + signals),
  };
}

export function textPath(folder: string, fingerprint: string, cell_id: string): string {
  return join(folder, 'cells', fingerprint, cell_id.slice(0, 2), `${cell_id}.txt`);
}

/** Replaces a file in one move: readers see the old text or the new, never a part. */
export function writeDurably(path: string, body: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  try {
    writeAll(file, body);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** One call may write less than it was given. */
export function writeAll(file: number, body: Buffer): void {
  for (let done = 0; done < body.length; ) done += writeSync(file, body, done);
}

function parseRecord(line: string): CellRecord | undefined {
  const [sum, json] = [line.slice(0, 16), line.slice(17)];
  if (line[16] !== ' ' || sum !== checksum(json)) return undefined;
  return recordSchema.safeParse(JSON.parse(json)).data;
}

function checksum(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 16);
}
