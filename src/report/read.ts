/** Reads results/<name>/: the only place of the report that touches files. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { csvFiles, headerFault, optionalFiles } from '../columns.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { Finding, UsageError } from '../types.ts';
import type { ResultSet } from './change.ts';
import type { Row } from './row.ts';

/** The rows of a CSV one after the other, so that a file of any length takes little memory. */
export async function* readRows(folder: string, file: string): AsyncGenerator<Row> {
  const path = join(folder, file);
  if (!existsSync(path)) {
    if (optionalFiles.includes(file)) return;
    throw new UsageError(`${path}: not found; a report needs the CSV of a finished run, so run the experiment first`);
  }
  const columns = csvFiles.find((entry) => entry.file === file)?.columns.map((column) => column.name) ?? [];
  const parser = parse({ bom: true });
  // pipeline destroys the file when the reader stops early, and passes on errors of either side.
  const finished = pipeline(createReadStream(path), parser);
  finished.catch(() => undefined);
  let header = true;
  try {
    for await (const fields of parser) {
      if (!isTextList(fields)) throw new Finding(`${path}: not a CSV`);
      const fault = header ? headerFault(file, fields) : undefined;
      if (fault !== undefined) throw new Finding(`${path}:1: ${fault}`);
      if (!header) yield toRow(columns, fields);
      header = false;
    }
    await finished;
  } catch (error) {
    if (error instanceof Finding || !(error instanceof Error)) throw error;
    throw new Finding(`${path}: ${error.message}; the file was altered or cut off; ${remedy(folder)}`);
  }
}

const isTextList = (value: unknown): value is string[] => Array.isArray(value);

function toRow(columns: readonly string[], fields: readonly string[]): Row {
  const row: Record<string, string> = {};
  for (const [index, column] of columns.entries()) row[column] = fields[index] ?? '';
  return row;
}

/**
 * Figures of altered rows would look like results, so every file has to be the one that was collected.
 *
 * @throws Finding naming the first that isn't
 */
export async function checkUnaltered(folder: string, { files }: Manifest): Promise<void> {
  for (const [file, collected] of Object.entries(files)) {
    const path = join(folder, file);
    const fault = await difference(path, collected);
    if (fault !== undefined) throw new Finding(`${path}: ${fault}; ${remedy(folder)}`);
  }
}

const remedy = (folder: string): string => `\`clipbench collect ${folder}\` writes it anew from the stored runs`;

async function difference(path: string, { bytes, sha256 }: Manifest['files'][string]): Promise<string | undefined> {
  if (!existsSync(path)) return 'is missing, though it was collected';
  const { size } = await stat(path);
  if (size !== bytes) return `altered since it was collected (${size} bytes, not ${bytes})`;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex') === sha256 ? undefined : 'altered since it was collected (same size, other content)';
}

/** What two result sets are compared by. @throws Finding when a CSV file isn't the one that was collected */
export async function readResultSet(folder: string): Promise<ResultSet> {
  const manifest = await readManifest(folder);
  await checkUnaltered(folder, manifest);
  const rows = async (file: string) => {
    const all: Row[] = [];
    for await (const row of readRows(folder, file)) all.push(row);
    return all;
  };
  return { manifest, runs: await rows('runs.csv'), failures: await rows('failures.csv') };
}

/** manifest.json, checked. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) {
    throw new UsageError(`${path}: not found; give a folder that a run has written, such as results/rnn`);
  }
  const text = await readFile(path, 'utf8');
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    throw new Finding(`${path}: not a manifest of this version: ${reason}`);
  }
}
