/** cells/live.json: what is in hand now, for `clipbench status`. Only for looking: nothing is lost with it. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from './files.ts';

const liveSchema = z.object({
  /** When this call of run began to hand out cells: UTC, ISO 8601. */
  started: z.string(),
  jobs: z.int(),
  in_hand: z.array(z.object({ worker: z.string(), cell_id: z.string(), since: z.string() })),
});
export type Live = z.infer<typeof liveSchema>;

/** Keeps the file up to date, at most this often; in ms. */
const PAUSE = 500;

export interface LiveFile {
  take(worker: string, cell_id: string | undefined): void;
  /** Writes what is left to write. */
  end(): void;
}

export function liveFile(folder: string, jobs: number): LiveFile {
  const started = new Date().toISOString();
  const inHand = new Map<string, Live['in_hand'][number]>();
  let timer: NodeJS.Timeout | undefined;
  const write = () => {
    timer = undefined;
    const path = livePath(folder);
    const live: Live = { started, jobs, in_hand: [...inHand.values()] };
    try {
      writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(live)}\n`);
      renameSync(`${path}.${process.pid}`, path);
    } catch {
      // A run doesn't stop for it.
    }
  };
  write();
  return {
    take(worker, cell_id) {
      if (cell_id === undefined) inHand.delete(worker);
      else inHand.set(worker, { worker, cell_id, since: new Date().toISOString() });
      timer ??= setTimeout(write, PAUSE);
    },
    end() {
      clearTimeout(timer);
      write();
    },
  };
}

export function readLive(folder: string): Live | undefined {
  return liveSchema.safeParse(readJson(livePath(folder))).data;
}

function livePath(folder: string): string {
  return join(folder, 'cells', 'live.json');
}
