/** What was altered is put aside, not deleted: it isn't a result any more, but someone may want to know what happened. */
import { appendFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from './files.ts';
import { linesOf, parseRecord, type ResultRecord, type Scan, segmentsFolder, textPath } from './store.ts';

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
export function clean(folder: string, damaged: Scan['damaged']): void {
  for (const file of new Set(damaged.map((line) => line.file))) {
    const path = join(segmentsFolder(folder), file);
    const lines = [...linesOf(path)];
    const isWhole = (line: Buffer) => parseRecord(line) !== undefined;
    const text = (chosen: Buffer[]) => Buffer.concat(chosen.flatMap((line) => [line, Buffer.from('\n')]));
    mkdirSync(asideFolder(folder), { recursive: true });
    appendFileSync(join(asideFolder(folder), file), text(lines.filter((line) => !isWhole(line))));
    writeDurably(path, text(lines.filter(isWhole)));
  }
}

function freeName(path: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? path : `${path}.${n}`;
    if (!existsSync(name)) return name;
  }
}
