/** The logged steps of the compared runs as a table: read from text once, however often they are asked for. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { onAllCores } from '../database/results.ts';
import type { Run } from './design.ts';

const columns = ['loss', 'grad_norm', 'clipped_norm', 'clipped_fraction', 'cosine'];

/**
 * Makes the table `logged`: typed, each run by a small number with its id as name (the type `run_id`), values as the float32 that they
 * are. What doesn't fit into memory the database keeps in a file.
 */
export async function logSteps(database: DuckDBConnection, runs: readonly Run[]): Promise<void> {
  await database.run('CREATE OR REPLACE TEMP TABLE compared (cell_id VARCHAR)');
  const appender = await database.createAppender('compared', undefined, 'temp');
  // A type has at least one value; no cell has this id.
  for (const id of ['', ...runs.map((run) => run.id)]) {
    appender.appendVarchar(id);
    appender.endRow();
  }
  appender.closeSync();
  await database.run('DROP TYPE IF EXISTS run_id');
  await database.run('CREATE TYPE run_id AS ENUM (SELECT cell_id FROM compared)');
  const values = columns.map((column) => `${column}::FLOAT AS ${column}`).join(', ');
  // Rows keep their order, so that sums over them repeat.
  await onAllCores(database, () =>
    database.run(
      `CREATE OR REPLACE TEMP TABLE logged AS SELECT cell_id::run_id AS cell_id, step::BIGINT AS step, ${values} FROM steps SEMI JOIN compared USING (cell_id)`,
    ),
  );
}
