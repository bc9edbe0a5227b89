/** What a cell's id stands for: found by its first digits in what is stored. */
import { z } from 'zod';
import { parseCanonical } from '../canonical.ts';
import { UsageError } from '../types.ts';
import { readPlan } from './plan.ts';
import { type FailureRecord, type ResultRecord, readText, scan, textPath } from './store.ts';

export interface Found {
  cell_id: string;
  folder: string;
  record: ResultRecord | FailureRecord;
  /** The text that the id is the hash of; empty where the cell has no result. */
  text: string;
  /** Every field of the cell, `strategy.0.options.max_norm` for one inside others. */
  ingredients: Record<string, string>;
}

/**
 * Every stored run whose id begins with `prefix`.
 *
 * @throws UsageError when there is none, or when several cells begin so
 */
export function findRuns(prefix: string, folders: string[]): Found[] {
  if (!/^[0-9a-f]{4,16}$/.test(prefix)) {
    throw new UsageError(
      `"${prefix}" is no cell id; give at least 4 of its 16 hex digits, as runs.csv and \`plan\` show them`,
    );
  }
  const known = folders.filter((folder) => readPlan(folder) !== undefined);
  const found = known.flatMap((folder) =>
    [...scan(folder).stored.values()].flatMap(({ results, failures }) =>
      [...results.values(), ...failures.values()]
        .filter(({ cell_id }) => cell_id.startsWith(prefix))
        .map((record) => describe(folder, record)),
    ),
  );
  const ids = [...new Set(found.map(({ cell_id }) => cell_id))];
  if (ids.length === 1) return found;
  const where = folders.length > 0 ? folders.join(', ') : 'results/';
  throw new UsageError(
    ids.length === 0
      ? `no stored run has the id ${prefix} (looked in ${where}); \`clipbench plan FILE --filter cell_id=${prefix}\` shows cells that have not run`
      : `${ids.length} runs begin with ${prefix} (${ids.slice(0, 5).join(', ')}); give more digits`,
  );
}

function describe(folder: string, record: ResultRecord | FailureRecord): Found {
  const text = 'sha256' in record ? (readText(folder, record)?.cell.toString().trimEnd() ?? '') : '';
  const parsed = z.record(z.string(), z.unknown()).safeParse(text === '' ? {} : parseCanonical(text)).data ?? {};
  const { cell = {}, ...others } = parsed;
  return { cell_id: record.cell_id, folder, record, text, ingredients: { ...flat(cell, ''), ...flat(others, '') } };
}

function flat(value: unknown, path: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || isPlainList(value))
    return { [path]: typeof value === 'number' ? String(value) : JSON.stringify(value) };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, member]) => flat(member, path ? `${path}.${key}` : key)),
  );
}

function isPlainList(value: object): boolean {
  return Array.isArray(value) && value.every((member) => typeof member !== 'object');
}

/** Where a run's rows are kept. */
export function placeOf({ folder, record }: Found): string {
  return 'sha256' in record ? textPath(folder, record.fingerprint, record.cell_id) : record.log;
}
