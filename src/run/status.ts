/** How far a results folder is: from the records alone, in a moment, while it is being written too. */

import { join } from 'node:path';
import { z } from 'zod';
import { type Live, readLive } from './live.ts';
import { activeHolder, type Holder } from './lock.ts';
import { planOf } from './plan.ts';
import { FORMAT, linesOf, parseLine, segmentFiles, segmentsFolder } from './store.ts';

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
  const { file, cell_ids, selected, fingerprint, waiting = 0 } = planOf(folder);
  const standing = new Map<string, Glance['status']>();
  let [seconds, timed] = [0, 0];
  for (const record of glances(folder)) {
    if (record.fingerprint !== fingerprint) continue;
    if (record.seconds !== undefined) {
      seconds += record.seconds;
      timed += 1;
    }
    const before = standing.get(record.cell_id);
    const isDone = before === 'completed' || before === 'diverged';
    if (!isDone || record.seconds !== undefined) standing.set(record.cell_id, record.status);
  }
  const counts: Counts = { completed: 0, diverged: 0, failed: 0, timeout: 0, left: 0 };
  for (const cell_id of cell_ids) counts[standing.get(cell_id) ?? 'left'] += 1;
  counts.left += waiting;
  const run = activeHolder(folder);
  const live = run && readLive(folder);
  const unknown = selected === undefined ? waiting : 0;
  const open = unknown + (selected ?? cell_ids).filter((cell_id) => !standing.has(cell_id)).length;
  const eta = live && timed > 0 && { eta_seconds: ((seconds / timed) * open) / Math.min(live.jobs, open || 1) };
  const unselected = counts.left - open;
  return {
    folder,
    file,
    cells: cell_ids.length + waiting,
    ...counts,
    unselected,
    ...(run && { run }),
    in_hand: live?.in_hand ?? [],
    ...eta,
  };
}

/** As much of a record as is needed here: a hundred thousand are read in a moment. */
const glanceSchema = z.object({
  status: z.enum(['completed', 'diverged', 'failed', 'timeout']),
  fingerprint: z.string(),
  cell_id: z.string(),
  /** Of results. */
  seconds: z.number().optional(),
  format: z.literal(FORMAT).optional(),
});
type Glance = z.infer<typeof glanceSchema>;

function* glances(folder: string): Generator<Glance> {
  for (const file of segmentFiles(folder)) {
    for (const { line } of linesOf(join(segmentsFolder(folder), file))) {
      const { data } = glanceSchema.safeParse(parseLine(line));
      if (data !== undefined) yield data;
    }
  }
}
