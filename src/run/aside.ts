/** What was altered is put aside, not deleted: it isn't a result any more, but someone may want to know what happened. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from './files.ts';
import { type Damaged, linesOf, parseRecord, type ResultRecord, segmentsFolder, textPath } from './store.ts';

function asideFolder(folder: string): string {
  return join(folder, 'cells', 'aside');
}

/** So that the next run does this cell again. Returns how to name it. */
export function putAside(folder: string, record: ResultRecord): string {
  const path = textPath(folder, record.fingerprint, record.cell_id);
  if (!existsSync(path)) return `${path} (missing)`;
  const place = freeName(join(asideFolder(folder), `${record.cell_id}.txt`));
  try {
    mkdirSync(asideFolder(folder), { recursive: true });
    renameSync(path, place);
  } catch {
    return path; // where nothing can be written it stays, and is found again
  }
  return `${path}, now ${place}`;
}

/** Takes damaged lines out of their segments. Only while no one else writes in this folder. */
export function clean(folder: string, damaged: Damaged[]): void {
  for (const file of new Set(damaged.map((line) => line.file))) {
    const path = join(segmentsFolder(folder), file);
    const lines = [...linesOf(path)];
    const isDamaged = (one: (typeof lines)[number]) => one.torn || parseRecord(one.line) === 'damaged';
    const text = (chosen: typeof lines) => Buffer.concat(chosen.flatMap(({ line }) => [line, Buffer.from('\n')]));
    mkdirSync(asideFolder(folder), { recursive: true });
    appendFileSync(join(asideFolder(folder), file), text(lines.filter(isDamaged)));
    writeDurably(path, text(lines.filter((one) => !isDamaged(one))));
  }
}

/** Half-written files of processes that were killed. Only while no one else writes in this folder. */
export function sweep(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/(\.\d+\.tmp|\.writable-\d+)$/.test(name)) rmSync(join(folder, name), { force: true });
  }
}

function freeName(path: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? path : `${path}.${n}`;
    if (!existsSync(name)) return name;
  }
}
