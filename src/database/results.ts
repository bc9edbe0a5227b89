/** Results folders as tables of a database (DuckDB): every CSV a view with typed columns, read where it lies. */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type JS } from '@duckdb/node-api';
import { type Column, csvFiles, headerFault, type Kind, optionalFiles } from '../columns.ts';
import { Finding, UsageError } from '../types.ts';

/** Empty fields are NULL: not applicable. Both kinds of float as double, which holds their text to the last digit. */
const typeOf: Record<Kind, string> = {
  text: 'VARCHAR',
  integer: 'BIGINT',
  float: 'DOUBLE',
  double: 'DOUBLE',
  json: 'VARCHAR',
};

/** On one thread: sums over several would not repeat. What doesn't fit into memory goes to files that are gone afterwards. */
const limits = { threads: '1', memory_limit: '500MB', temp_directory: join(tmpdir(), `clipbench-${process.pid}`) };

/**
 * A database whose schemas are the folders, by their names, each with the tables runs, steps, evals, signals, timing and failures. The
 * first folder's go without a schema too.
 *
 * @throws UsageError for a folder that holds no results of this version, or two of one name
 */
export async function openResults(folders: readonly string[]): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', limits);
  const database = await instance.connect();
  for (const folder of folders) {
    if (!existsSync(join(folder, 'manifest.json'))) {
      throw new UsageError(`${folder}: holds no manifest.json; give a results folder such as results/quickstart`);
    }
    const schema = name(basename(resolve(folder)));
    await database.run(`CREATE SCHEMA ${schema}`).catch(() => {
      throw new UsageError(`${folder}: another folder has this name too; give one of them`);
    });
    for (const { file, columns } of csvFiles) {
      await database.run(
        `CREATE VIEW ${schema}.${name(file.replace('.csv', ''))} AS ${await source(folder, file, columns)}`,
      );
    }
  }
  const [first] = folders;
  if (first !== undefined) await database.run(`SET search_path = ${literal(`${basename(resolve(first))},main`)}`);
  return database;
}

/** A CSV, with the types its columns have; nothing is guessed from its content. */
async function source(folder: string, file: string, columns: readonly Column[]): Promise<string> {
  const path = join(folder, file);
  const types = columns.map((column) => `${literal(column.name)}: ${literal(typeOf[column.kind])}`).join(', ');
  if (!existsSync(path)) {
    if (!optionalFiles.includes(file)) throw new UsageError(`${path}: not found; run the experiment first`);
    const empty = columns.map((column) => `NULL::${typeOf[column.kind]} AS ${name(column.name)}`).join(', ');
    return `SELECT ${empty} WHERE false`;
  }
  const fault = headerFault(file, (await firstLine(path)).split(','));
  if (fault !== undefined) throw new Finding(`${path}:1: ${fault}`);
  return `SELECT * FROM read_csv(${literal(resolve(path))}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', new_line = '\\n', columns = {${types}})`;
}

async function firstLine(path: string): Promise<string> {
  const file = await open(path);
  try {
    for await (const line of file.readLines()) return line;
    return '';
  } finally {
    await file.close();
  }
}

/** Something in which nothing is summed that could come out otherwise: on all cores. */
export async function onAllCores<T>(database: DuckDBConnection, ask: () => Promise<T>): Promise<T> {
  await database.run(`SET threads = ${availableParallelism()}`);
  try {
    return await ask();
  } catch (error) {
    throw csvFault(error) ?? error;
  } finally {
    await database.run(`SET threads = ${limits.threads}`);
  }
}

/** Numbers of a row, counts among them; undefined for NULL. */
export const numbersOf = (values: readonly JS[]): (number | undefined)[] =>
  values.map((value) => (value === null ? undefined : Number(value)));

/** A name as SQL has it, whatever is in it. */
export const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** A text as SQL has it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * The rows that a statement of ours gives, some at a time.
 *
 * @throws Finding naming the file and line of a CSV that isn't as it was written
 */
export async function* rowsOf(database: DuckDBConnection, sql: string): AsyncGenerator<JS[][]> {
  try {
    yield* (await database.stream(sql)).yieldRowsJs();
  } catch (error) {
    throw csvFault(error) ?? error;
  }
}

/** What is wrong with a file, where the database met something in it that it couldn't read. */
function csvFault(error: unknown): Finding | undefined {
  const text = error instanceof Error ? error.message : '';
  const [, line] = /CSV Error on Line: (\d+)/.exec(text) ?? [];
  const [, file] = /^ *file = (.*)$/m.exec(text) ?? [];
  if (line === undefined || file === undefined) return undefined;
  const [, , what = 'not readable'] = text.split('\n');
  const remedy = `\`clipbench collect ${dirname(file)}\` writes it anew from the stored runs`;
  return new Finding(`${file}:${line}: ${what.replace(/\.$/, '')}; the file was altered or cut off; ${remedy}`);
}

/** What the database has to say of a statement that someone wrote, in one line. */
export function queryError(error: unknown): UsageError | Finding {
  const text = error instanceof Error ? error.message : String(error);
  return csvFault(error) ?? new UsageError(`query: ${text.split('\n\n')[0]?.replaceAll(/\s+/g, ' ').trim()}`);
}
