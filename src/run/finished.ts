/**
 * Whether anything is left to do, found out in a moment: by the mark that a complete run leaves, as long as nothing in
 * the folder was touched since and the mark's key (matrix, code, environment) is that of this call.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { canonical } from '../canonical.ts';
import { csvFiles } from '../columns.ts';
import { vectorFlags } from '../engine/fingerprint.ts';
import type { Code } from '../manifest.ts';
import { readJson } from './files.ts';

const markSchema = z.object({
  key: z.string(),
  cells: z.int(),
  completed: z.int(),
  diverged: z.int(),
  failed: z.int(),
  /** Of the store: one that is gone has no time of its last change. */
  folders: z.array(z.string()),
});
export type Mark = z.infer<typeof markSchema>;

/** Everything that decides what a run would do here: `asked` is the matrix and what the command line makes of it. */
export function keyOf(asked: unknown, code: Code): string {
  const environment = {
    node: process.versions.node,
    backend: process.env.CLIPBENCH_BACKEND ?? '',
    set_up: readSetUp(),
    processor: vectorFlags(),
  };
  const { source, lockfile_sha256 } = code;
  return createHash('sha256').update(canonical({ asked, source, lockfile_sha256, environment })).digest('hex');
}

/** The backend that set-up found, and its files. */
function readSetUp(): string {
  const folder = new URL('../../node_modules/.clipbench/', import.meta.url);
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
}

/** What the last run here came to, if this one could only repeat it. */
export function finishedBefore(folder: string, key: string): Mark | undefined {
  const mark = markSchema.safeParse(readJson(markPath(folder))).data;
  return mark?.key === key && untouched(folder, mark.folders) ? mark : undefined;
}

/** A file system's clock ticks every few ms: the mark has to be younger than all that it stands for. */
const TICK = 25;

export async function markFinished(folder: string, facts: Omit<Mark, 'folders'>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TICK));
  const mark: Mark = { ...facts, folders: foldersOf(folder) };
  writeFileSync(markPath(folder), `${JSON.stringify(mark)}\n`);
}

export function unmark(folder: string): void {
  rmSync(markPath(folder), { force: true });
}

/** By the time of the last change of content, name or rights, which no program can set back. */
function untouched(folder: string, folders: string[]): boolean {
  const at = statSync(markPath(folder)).ctimeMs;
  const isOlder = (path: string) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.ctimeMs < at;
  };
  const written = [...csvFiles.map(({ file }) => file), 'manifest.json', join('cells', 'plan.json')];
  return (
    written.every((file) => isOlder(join(folder, file))) &&
    foldersOf(folder).join() === folders.join() &&
    folders.every((name) => allIn(join(folder, 'cells', name), isOlder))
  );
}

function foldersOf(folder: string): string[] {
  return readdirSync(join(folder, 'cells'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function allIn(folder: string, holds: (path: string) => boolean): boolean {
  return (
    holds(folder) &&
    readdirSync(folder, { withFileTypes: true }).every((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? allIn(path, holds) : holds(path);
    })
  );
}

function markPath(folder: string): string {
  return join(folder, 'cells', 'finished.json');
}
