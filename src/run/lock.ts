/**
 * One run at a time in a results folder. The lock is a file that says who holds it; a holder that is gone (killed, or
 * of an earlier boot) is found out, and its lock taken over.
 */
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../types.ts';

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
  const written = `${path}.${hostname()}.${process.pid}`;
  try {
    writeFileSync(written, `${JSON.stringify(own)}\n`);
    for (;;) {
      const { claims, last, free } = chainOf(path);
      const holder = holderOf(last);
      if (holder !== undefined && mayLive(holder)) throw heldBy(holder, folder, path);
      if (!placed(written, free)) continue; // someone was faster
      // Whoever gives the lock back removes lock.json first: while it is the one that was followed, the chain holds.
      if (claims.length === 0 || chainOf(path).claims.includes(free)) return () => release(path, own);
      rmSync(free, { force: true });
    }
  } finally {
    rmSync(written, { force: true });
  }
}

function release(path: string, own: Holder): void {
  const { claims, last } = chainOf(path);
  const holder = holderOf(last);
  if (holder?.pid !== own.pid || holder.started !== own.started) return;
  for (const claim of claims) rmSync(claim, { force: true });
}

/** Who runs in this folder now, if anyone does. */
export function activeHolder(folder: string): Holder | undefined {
  const holder = holderOf(chainOf(lockPath(folder)).last);
  return holder !== undefined && mayLive(holder) ? holder : undefined;
}

function lockPath(folder: string): string {
  return join(folder, 'cells', 'lock.json');
}

/**
 * lock.json, the claim of whoever took it over from a holder that was gone, the claim of whoever took it over from
 * that one, and so on. A claim is named after the text that it takes over, and comes into being once: of several
 * processes that find the same lock stale one gets it, and no lock is ever moved out of the way of another.
 */
function chainOf(path: string): { claims: string[]; last: string | undefined; free: string } {
  const claims: string[] = [];
  let last: string | undefined;
  for (let free = path; ; ) {
    const text = readOrNothing(free);
    if (text === undefined) return { claims, last, free };
    claims.push(free);
    last = text;
    // With the name: two that lost their text (power cut) are still two.
    free = `${path}.after.${createHash('sha256').update(`${free}\n${text}`).digest('hex').slice(0, 16)}`;
  }
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function holderOf(text: string | undefined): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
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

/** Nothing can be known of another machine's processes. */
function mayLive({ pid, host, process_start }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  const now = processStart(pid);
  return now === '' || now === process_start; // where nothing is told, a pid that lives has to do
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
