/** Writing so that a crash, or a full disk, leaves the old text or the new one and never a part. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Written {
  bytes: number;
  sha256: string;
}

/** A file that is written piece by piece beside its place, and moved there at the end. */
export interface NewFile {
  write(piece: Buffer): void;
  /** Makes it durable and puts it in place. */
  finish(): Written;
  /** Leaves what was in its place. */
  abandon(): void;
}

/** Bytes gathered before they are written. */
const CHUNK = 2 ** 20;

export function newFile(path: string): NewFile {
  // Named after this process: another one may be writing the same file.
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  const hash = createHash('sha256');
  const gathered = Buffer.allocUnsafe(CHUNK);
  let [length, bytes] = [0, 0];
  let open = true;
  const close = () => {
    if (open) closeSync(file);
    open = false;
  };
  const put = (body: Buffer) => {
    hash.update(body);
    writeAll(file, body);
  };
  const flush = () => {
    put(gathered.subarray(0, length));
    length = 0;
  };
  return {
    write(piece) {
      bytes += piece.length;
      if (length + piece.length > CHUNK) flush();
      if (piece.length > CHUNK) put(piece);
      else length += piece.copy(gathered, length);
    },
    finish() {
      flush();
      fsyncSync(file);
      close();
      renameSync(temporary, path);
      syncFolder(dirname(path));
      return { bytes, sha256: hash.digest('hex') };
    },
    abandon() {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

/** Replaces a file in one move. */
export function writeDurably(path: string, body: Buffer): Written {
  mkdirSync(dirname(path), { recursive: true });
  const file = newFile(path);
  try {
    file.write(body);
    return file.finish();
  } catch (error) {
    file.abandon();
    throw error;
  }
}

/** One call may write less than it was given. */
export function writeAll(file: number, body: Buffer): void {
  for (let done = 0; done < body.length; ) done += writeSync(file, body, done);
}

/** A new name is durable only when its folder is. */
export function syncFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A file's JSON, or undefined where there is no such file, or half of one. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** What the operating system said, where an error came from it: `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
}
