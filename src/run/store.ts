/**
 * Finished cells on disk. A cell is done if and only if its record is there, whole, and its text with it.
 *
 *   cells/FINGERPRINT/XX/CELL_ID.txt    the cell itself, its rows of every CSV, its hash chain; in place first
 *   cells/segments/WORKER-START.log     records, a line each: checksum, space, JSON; appended and flushed last
 *
 * Every process writes a segment of its own, new at every start, so nothing is ever written after a torn line. A text
 * holds nothing of time or place: the same cell gives the same bytes.
 */
import { hash } from 'node:crypto';
import { existsSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { csvFiles } from '../columns.ts';
import { syncFolder, writeAll, writeDurably } from './files.ts';

/** In the order in which they stand in a cell's file. */
export const textParts = ['cell', 'run', 'steps', 'evals', 'signals', 'chain'] as const;
export type TextPart = (typeof textParts)[number];
/** `cell` is what its id is the hash of; `run`, `steps`, `evals` and `signals` are rows of the CSV files. */
export type RunText = Record<TextPart, string>;

/** One value for each part, made in their order. */
export function eachPart<T>(make: (part: TextPart) => T): Record<TextPart, T> {
  return {
    cell: make('cell'),
    run: make('run'),
    steps: make('steps'),
    evals: make('evals'),
    signals: make('signals'),
    chain: make('chain'),
  };
}

const cellIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/**
 * Names how texts are written. Under another format, rows have other columns: such a run is no result any more, and is
 * done again.
 */
export const FORMAT = hash(
  'sha256',
  JSON.stringify([textParts, csvFiles.map(({ columns }) => columns.map(({ name, kind }) => [name, kind]))]),
).slice(0, 8);

const resultSchema = z.object({
  status: z.enum(['completed', 'diverged']),
  format: z.string(),
  fingerprint: z.string(),
  cell_id: cellIdSchema,
  /** Bytes of each part of the cell's text, in order, and the hash of the whole. */
  bytes: z.object(eachPart(() => z.int())),
  sha256: z.string(),
  /** The row of timing.csv. */
  timing: z.string(),
  seconds: z.number(),
  /** sha256 of the data it read. */
  data: z.record(z.string(), z.string()),
  /** The code that computed it: `source` of the manifest. */
  code: z.string(),
});
export type ResultRecord = z.infer<typeof resultSchema>;

const failureSchema = z.object({
  status: z.enum(['failed', 'timeout']),
  fingerprint: z.string(),
  cell_id: cellIdSchema,
  attempts: z.int(),
  error: z.string(),
  /** File in the results folder with everything the attempts printed. */
  log: z.string(),
});
export type FailureRecord = z.infer<typeof failureSchema>;

const recordSchema = z.discriminatedUnion('status', [resultSchema, failureSchema]);

/** What is known of the cells under one fingerprint, by cell_id: the newest record of each. */
export interface Stored {
  results: Map<string, ResultRecord>;
  /** Newer than a result, where there is one: its text is gone, then, and could not be had again. */
  failures: Map<string, FailureRecord>;
}

export interface Scan {
  /** By fingerprint. */
  stored: Map<string, Stored>;
  /** Lines that don't match their checksum. */
  damaged: Damaged[];
  /** Whole records that this version can't use: of another format. */
  outdated: number;
}

export interface Damaged {
  file: string;
  line: number;
  /** The last line, cut off where a process or a disk gave up; others were altered. */
  torn: boolean;
}

export interface Segment {
  /** Makes a finished cell durable. */
  commit(text: RunText, facts: Omit<ResultRecord, 'format' | 'bytes' | 'sha256'>): void;
  /** Makes it durable that a cell can't be had. */
  fail(record: FailureRecord): void;
}

export function segmentsFolder(folder: string): string {
  return join(folder, 'cells', 'segments');
}

/** A new segment for one process; `start` names it and says which of two records is the newer one. */
export function openSegment(folder: string, name: string, start: Date): Segment {
  const segments = segmentsFolder(folder);
  mkdirSync(segments, { recursive: true });
  const time = start.toISOString().replaceAll(/[-:.]/g, '');
  const file = openSync(join(segments, `${name}-${time}-${process.pid}.log`), 'ax');
  syncFolder(segments);
  let length = 0;
  const append = (record: ResultRecord | FailureRecord) => {
    const json = JSON.stringify(record);
    const line = Buffer.from(`${checksum(json)} ${json}\n`);
    try {
      writeAll(file, line);
      fdatasyncSync(file);
    } catch (error) {
      ftruncateSync(file, length); // a full disk takes a part of a line
      throw error;
    }
    length += line.length;
  };
  return {
    commit(text, facts) {
      const body = Buffer.from(textParts.map((part) => text[part]).join(''));
      writeDurably(textPath(folder, facts.fingerprint, facts.cell_id), body);
      const bytes = eachPart((part) => Buffer.byteLength(text[part]));
      append({ ...facts, format: FORMAT, bytes, sha256: hash('sha256', body) });
    },
    fail: append,
  };
}

/** All records of a results folder. */
export function scan(folder: string): Scan {
  const found: Scan = { stored: new Map(), damaged: [], outdated: 0 };
  for (const record of recordsIn(folder, found)) {
    const own: Stored = found.stored.get(record.fingerprint) ?? { results: new Map(), failures: new Map() };
    found.stored.set(record.fingerprint, own);
    if ('sha256' in record) {
      own.results.set(record.cell_id, record);
      own.failures.delete(record.cell_id);
    } else own.failures.set(record.cell_id, record);
  }
  return found;
}

/** One after the other, oldest first. What is no record is noted. */
function* recordsIn(folder: string, noted: Omit<Scan, 'stored'>): Generator<ResultRecord | FailureRecord> {
  for (const file of segmentFiles(folder)) {
    let number = 0;
    for (const { line, torn } of linesOf(join(segmentsFolder(folder), file))) {
      number += 1;
      const record = torn ? 'damaged' : parseRecord(line);
      if (record === 'damaged') noted.damaged.push({ file, line: number, torn });
      else if (record === 'outdated') noted.outdated += 1;
      else yield record;
    }
  }
}

/** Oldest first. */
export function segmentFiles(folder: string): string[] {
  const segments = segmentsFolder(folder);
  const files = existsSync(segments) ? readdirSync(segments).filter((file) => file.endsWith('.log')) : [];
  const started = (file: string) => file.split('-').slice(-2).join('-');
  return files.sort((a, b) => (started(a) < started(b) ? -1 : 1));
}

/** Lines without their ends; what stands after the last end is torn. */
export function* linesOf(path: string): Generator<{ line: Buffer; torn: boolean }> {
  const body = readFileSync(path);
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(10, start);
    const torn = end < 0;
    yield { line: body.subarray(start, torn ? body.length : end), torn };
    start = torn ? body.length : end + 1;
  }
}

/** A cell's text, or undefined where it is missing or not what its record says. */
export function readText(folder: string, record: ResultRecord): Record<TextPart, Buffer> | undefined {
  const path = textPath(folder, record.fingerprint, record.cell_id);
  const body = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (hash('sha256', body) !== record.sha256) return undefined;
  let start = 0;
  return eachPart((part) => {
    const piece = body.subarray(start, start + record.bytes[part]);
    start += record.bytes[part];
    return piece;
  });
}

export function textPath(folder: string, fingerprint: string, cell_id: string): string {
  return join(folder, 'cells', fingerprint, cell_id.slice(0, 2), `${cell_id}.txt`);
}

/** `damaged` where the line isn't what was written, `outdated` where another version wrote it. */
export function parseRecord(line: Buffer): ResultRecord | FailureRecord | 'damaged' | 'outdated' {
  const value = parseLine(line);
  if (value === undefined) return 'damaged';
  const { data } = recordSchema.safeParse(value);
  return data === undefined || ('format' in data && data.format !== FORMAT) ? 'outdated' : data;
}

/** What the line says, where it is what was written. */
export function parseLine(line: Buffer): unknown {
  const json = line.subarray(CHECKSUM + 1);
  if (line[CHECKSUM] !== 0x20 || line.toString('latin1', 0, CHECKSUM) !== checksum(json)) return undefined;
  return JSON.parse(json.toString());
}

/** Its length, in characters. */
const CHECKSUM = 16;

function checksum(json: Buffer | string): string {
  return hash('sha256', json).slice(0, CHECKSUM);
}
