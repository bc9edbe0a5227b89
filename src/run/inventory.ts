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
}

/** In the order of the ids given. */
export function inventory(folder: string, cell_ids: Iterable<string>, stored: Stored | undefined): Inventory {
  const results: ResultRecord[] = [];
  const failures: FailureRecord[] = [];
  for (const cell_id of cell_ids) {
    const result = stored?.results.get(cell_id);
    const failure = stored?.failures.get(cell_id);
    if (result !== undefined && isStored(folder, result)) results.push(result);
    else if (failure !== undefined) failures.push(failure);
  }
  return { results, failures };
}

/** Whether the text is there, in its length; whether it is what it was is seen when it is read. */
function isStored(folder: string, record: ResultRecord): boolean {
  const length = Object.values(record.bytes).reduce((sum, bytes) => sum + bytes, 0);
  const path = textPath(folder, record.fingerprint, record.cell_id);
  return statSync(path, { throwIfNoEntry: false })?.size === length;
}

export interface Gathered extends Inventory, Pick<Collection, 'files'> {
  /** Results that are none any more: where each is now. */
  altered: string[];
}

/** Collects into CSV files what is whole; what was altered is put aside, so that the next run does it again. */
export function gather(folder: string, { results, failures }: Inventory): Gathered {
  const { files, altered } = collect(folder, results, failures);
  if (altered.length === 0) return { results, failures, files, altered: [] };
  const whole = results.filter((record) => !altered.includes(record));
  const gathered = gather(folder, { results: whole, failures });
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
