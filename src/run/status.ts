/** How far a results folder is: from the records alone, in a moment, while it is being written too. */

import { type Live, readLive } from './live.ts';
import { activeHolder, type Holder } from './lock.ts';
import { planOf } from './plan.ts';
import { recordsIn } from './store.ts';

interface Counts {
  completed: number;
  diverged: number;
  /** Given up after an error or a crash, and after running out of time. */
  failed: number;
  timeout: number;
  /** Cells that have none of these yet, those in hand among them. */
  left: number;
}

export interface Status extends Counts {
  folder: string;
  /** The experiment. */
  file: string;
  cells: number;
  /** Of those left, how many the last call of run was not for (--filter). */
  unselected: number;
  /** The process that works on it now. */
  run?: Holder;
  /** Cells in hand now. */
  in_hand: Live['in_hand'];
  /** Until the present call of run is done, by the mean time of the cells so far; in seconds. */
  eta_seconds?: number;
}

/** @throws UsageError where nothing has run */
export function statusOf(folder: string): Status {
  const { file, cell_ids, selected, fingerprint } = planOf(folder);
  const standing = new Map<string, keyof Counts>();
  const times = new Map<string, number>();
  for (const record of recordsIn(folder)) {
    if (record.fingerprint !== fingerprint) continue;
    if ('sha256' in record) times.set(record.cell_id, record.seconds);
    else if (times.has(record.cell_id)) continue;
    standing.set(record.cell_id, record.status);
  }
  const counts: Counts = { completed: 0, diverged: 0, failed: 0, timeout: 0, left: 0 };
  for (const cell_id of cell_ids) counts[standing.get(cell_id) ?? 'left'] += 1;
  const run = activeHolder(folder);
  const live = run && readLive(folder);
  const open = (selected ?? cell_ids).filter((cell_id) => !standing.has(cell_id)).length;
  const eta = live && times.size > 0 && { eta_seconds: (mean(times.values()) * open) / Math.min(live.jobs, open || 1) };
  const unselected = counts.left - open;
  return {
    folder,
    file,
    cells: cell_ids.length,
    ...counts,
    unselected,
    ...(run && { run }),
    in_hand: live?.in_hand ?? [],
    ...eta,
  };
}

function mean(values: Iterable<number>): number {
  let [sum, count] = [0, 0];
  for (const value of values) {
    sum += value;
    count += 1;
  }
  return sum / count;
}
