/**
 * Files that a user names. An option `path` has a partner `path_sha256`: where a file lies and what it holds. The second is
 * filled in when a matrix is read and is what counts for ids and random streams, so that a file can be moved but not changed.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from '../types.ts';

/** Bytes of the largest file that is read as a whole. */
const LARGEST = 2 ** 30;
/** A string of JavaScript can't be much longer. */
const LARGEST_TEXT = 2 ** 28;

/** Where a file lies, from the folder of the experiment file. */
export const pathOption = (what: string) => place.meta(aboutPlace(what));
export const optionalPathOption = (what: string) => place.exactOptional().meta(aboutPlace(what));

const place = z.string().min(1);
const aboutPlace = (what: string) =>
  ({ description: `${what}; from the folder of the experiment file`, role: 'structural' }) as const;

/** What the file of `path` holds; where a user writes it, the file has to hold that. */
export const sha256Option = (path: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
    .exactOptional()
    .meta({ description: `sha256 of the file at ${path}; filled in`, role: 'structural' });

const known = new Map<string, string>();

/** sha256 of a file, read piece by piece; once in a process while its size and time stay. @throws UsageError */
export function sha256Of(path: string): string {
  return withFile(path, (file) => {
    const { size, mtimeMs } = fstatSync(file);
    const key = JSON.stringify([path, size, mtimeMs]);
    const sha256 = known.get(key) ?? hashOf(file);
    known.set(key, sha256);
    return sha256;
  });
}

function hashOf(file: number): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(2 ** 20);
  for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) hash.update(piece.subarray(0, read));
  return hash.digest('hex');
}

/** The first bytes of a file, and how many it has. @throws UsageError */
export function readStart(path: string, count: number): { start: Buffer; size: number } {
  return withFile(path, (file) => {
    const start = Buffer.alloc(count);
    return { start: start.subarray(0, readSync(file, start, 0, count, 0)), size: fstatSync(file).size };
  });
}

/**
 * A whole file. @throws UsageError where it can't be read, is too large, or isn't what `sha256` says
 */
export function readBytes(path: string, sha256?: string, largest = LARGEST): Buffer {
  return withFile(path, (file) => {
    const { size } = fstatSync(file);
    if (size > largest) {
      throw new UsageError(`${path}: holds ${size} bytes; up to ${largest} can be read: take a part of it`);
    }
    const bytes = readFileSync(file);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (sha256 === undefined || sha256 === found) return bytes;
    throw new UsageError(
      `${path}: its sha256 is ${found}, not ${sha256}; put that file back, or leave the sha256 out and run the experiment anew`,
    );
  });
}

/** A whole file of text, without a byte order mark. @throws UsageError as `readBytes`, and where it isn't UTF-8 */
export function readUtf8(path: string, sha256?: string): string {
  const bytes = readBytes(path, sha256, LARGEST_TEXT);
  if (!isUtf8(bytes)) throw new UsageError(`${path}:${lineWithout(bytes, isUtf8)}: is not UTF-8; save it as UTF-8`);
  return new TextDecoder().decode(bytes);
}

/** Number of the first line that isn't as it should be. */
function lineWithout(bytes: Buffer, isRight: (line: Buffer) => boolean): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf('\n', start);
    if (!isRight(bytes.subarray(start, end < 0 ? bytes.length : end))) return line;
    start = end < 0 ? bytes.length : end + 1;
  }
  return line;
}

function withFile<T>(path: string, read: (file: number) => T): T {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return read(file);
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error) || !('code' in error)) throw error;
    throw new UsageError(`${path}: can't be read (${error.code}); give the path of a file that is there`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
