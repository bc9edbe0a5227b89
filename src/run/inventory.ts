/** What a results folder holds of the cells that are asked for. */
import { statSync } from 'node:fs';
import { fingerprintId } from '../engine/fingerprint.ts';
import { UsageError } from '../types.ts';
import { putAside } from './aside.ts';
import { type Collection, collect } from './collect.ts';
import { type FailureRecord, type ResultRecord, type Scan, type Stored, textPath } from './store.ts';
import type { Environment } from './worker-process.ts';

export interface Inventory {
  results: ResultRecord[];
  /** Of cells that have no result. */
  failures: FailureRecord[];
  /** Records whose text is gone or has another length. */
  altered: ResultRecord[];
}

/** In the order of the ids given. Whether a text is what it was is seen when it is read. */
export function inventory(folder: string, cell_ids: Iterable<string>, stored: Stored | undefined): Inventory {
  const found: Inventory = { results: [], failures: [], altered: [] };
  for (const cell_id of cell_ids) {
    const result = stored?.results.get(cell_id);
    const failure = stored?.failures.get(cell_id);
    const isWhole = result !== undefined && hasText(folder, result);
    if (isWhole) found.results.push(result);
    else if (result !== undefined) found.altered.push(result);
    if (!isWhole && failure !== undefined) found.failures.push(failure);
  }
  return found;
}

function hasText(folder: string, record: ResultRecord): boolean {
  const length = Object.values(record.bytes).reduce((sum, bytes) => sum + bytes, 0);
  const path = textPath(folder, record.fingerprint, record.cell_id);
  return statSync(path, { throwIfNoEntry: false })?.size === length;
}

export interface Gathered extends Omit<Inventory, 'altered'>, Pick<Collection, 'files'> {
  /** Results that are none any more: where each is now. */
  altered: string[];
}

/** Collects into CSV files what is whole; what was altered is put aside, so that the next run does it again. */
export function gather(folder: string, { results, failures }: Omit<Inventory, 'altered'>): Gathered {
  const { files, altered } = collect(folder, results, failures);
  if (altered.length === 0) return { results, failures, files, altered: [] };
  const gone = new Set(altered);
  const gathered = gather(folder, { results: results.filter((record) => !gone.has(record)), failures });
  return { ...gathered, altered: [...altered.map((record) => putAside(folder, record)), ...gathered.altered] };
}

/** @throws UsageError when the folder holds results of another environment than this */
export function refuseOthers(folder: string, { stored }: Scan, { fingerprint }: Environment): void {
  const id = fingerprintId(fingerprint);
  const others = [...stored.keys()].filter((other) => other !== id);
  if (others.length === 0) return;
  throw new UsageError(
    `${folder}: holds results of another environment (${others.join(', ')}; this one is ${id}: ${Object.values(fingerprint).join(' ')}), ` +
      'whose bits may differ; give another folder with --out, or --force to keep those and add this one',
  );
}
