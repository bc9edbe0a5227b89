/** Results folders as tables of a database (DuckDB): every CSV a view with typed columns, read where it lies. */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type Column, csvFiles, type Kind } from '../columns.ts';
import { UsageError } from '../types.ts';

/** Empty fields are NULL: not applicable. Both kinds of float as double, which holds their text to the last digit. */
const typeOf: Record<Kind, string> = {
  text: 'VARCHAR',
  integer: 'BIGINT',
  float: 'DOUBLE',
  double: 'DOUBLE',
  json: 'VARCHAR',
};

/**
 * A database whose schemas are the folders, by their names, each with the tables runs, steps, evals, signals, timing and failures. The
 * first folder's go without a schema too. On one thread: sums over several would not repeat (contracts: reading).
 *
 * @throws UsageError for a folder that holds no results of this version, or two of one name
 */
export async function openResults(folders: readonly string[]): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
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
    const empty = columns.map((column) => `NULL::${typeOf[column.kind]} AS ${name(column.name)}`).join(', ');
    return `SELECT ${empty} WHERE false`;
  }
  const header = columns.map((column) => column.name).join(',');
  const found = await firstLine(path);
  if (found !== header) {
    throw new UsageError(
      `${path}:1: the columns are not those of this version; \`clipbench collect ${folder}\` writes it anew`,
    );
  }
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

/** A name as SQL has it, whatever is in it. */
export const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** A text as SQL has it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** What the database has to say of a statement, in one line. */
export function queryError(error: unknown): UsageError {
  const text = error instanceof Error ? error.message : String(error);
  return new UsageError(`query: ${text.split('\n\n')[0]?.replaceAll(/\s+/g, ' ').trim()}`);
}
