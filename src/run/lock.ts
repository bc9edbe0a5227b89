/**
 * One run at a time in a results folder. The lock is a file that says who holds it; a holder that is gone (killed, or
 * of an earlier boot) is found out, and its lock taken over.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../types.ts';
import { readJson } from './files.ts';

const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** When the run began: UTC, ISO 8601. */
  started: z.string(),
  /** When the process began, in the kernel's own clock: a later process may get the same pid. Empty where unknown. */
  process_start: z.string(),
  command: z.string(),
});
export type Holder = z.infer<typeof holderSchema>;

/** Takes the lock and returns what gives it back. @throws UsageError naming the process that holds it */
export function takeLock(folder: string, command: string): () => void {
  const path = lockPath(folder);
  const own: Holder = {
    pid: process.pid,
    host: hostname(),
    started: new Date().toISOString(),
    process_start: processStart(process.pid),
    command,
  };
  mkdirSync(join(folder, 'cells'), { recursive: true });
  const written = `${path}.${process.pid}`;
  writeFileSync(written, `${JSON.stringify(own)}\n`);
  try {
    while (!placed(written, path)) {
      const holder = readHolder(folder);
      if (holder !== undefined && mayLive(holder)) throw heldBy(holder, folder, path);
      removeStale(path, holder);
    }
  } finally {
    rmSync(written, { force: true });
  }
  return () => {
    const holder = readHolder(folder);
    if (holder?.pid === own.pid && holder.started === own.started) rmSync(path, { force: true });
  };
}

/** Who runs in this folder now, if anyone does. */
export function activeHolder(folder: string): Holder | undefined {
  const holder = readHolder(folder);
  return holder !== undefined && mayLive(holder) ? holder : undefined;
}

function lockPath(folder: string): string {
  return join(folder, 'cells', 'lock.json');
}

/** A link comes into being with its content, or not at all. */
function placed(written: string, path: string): boolean {
  try {
    linkSync(written, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moved away first and looked at again: another process may have taken the lock over just now. */
function removeStale(path: string, stale: Holder | undefined): void {
  const moved = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, moved);
  } catch {
    return; // someone was faster
  }
  const found = holderSchema.safeParse(readJson(moved)).data;
  if (found !== undefined && JSON.stringify(found) !== JSON.stringify(stale)) placed(moved, path);
  rmSync(moved, { force: true });
}

function readHolder(folder: string): Holder | undefined {
  return holderSchema.safeParse(readJson(lockPath(folder))).data;
}

/** Nothing can be known of another machine's processes. */
function mayLive({ pid, host, process_start }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  return processStart(pid) === process_start;
}

/** Clock ticks from boot to the start of a process, with the boot; empty where the system doesn't tell. */
function processStart(pid: number): string {
  try {
    // After the name, which is in brackets and may hold anything, the 20th field.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
    return `${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return '';
  }
}

function heldBy({ pid, host, started }: Holder, folder: string, path: string): UsageError {
  const elsewhere = host !== hostname();
  const remedy = elsewhere
    ? `wait for it, or give another folder with --out; if that process is gone, delete ${path}`
    : 'wait for it, stop it, or give another folder with --out';
  return new UsageError(`${folder}: is being written by process ${pid} on ${host} since ${started}; ${remedy}`);
}
