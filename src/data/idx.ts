/**
 * IDX files, the format of MNIST, Fashion-MNIST and EMNIST (yann.lecun.com/exdb/mnist): 00 00, a byte for the type, one for the
 * number of dimensions, each dimension as 4 bytes (big-endian), then the values. Plain or packed by gzip.
 */
import { constants, gunzipSync } from 'node:zlib';
import { UsageError } from '../types.ts';
import { readBytes, readStart } from './user_file.ts';

const UNSIGNED_BYTE = 8;

/** Values of one file that are taken into memory. */
const MOST_VALUES = 2 ** 30;

/** Bytes of a file that hold its header, whether it is packed or not. */
const PEEKED = 4096;

export type IdxKind = 'images' | 'labels';

const dimensions: Record<IdxKind, number> = { images: 3, labels: 1 };

/** Of images [count, height, width], of labels [count]. Reads the first bytes only. @throws UsageError */
export function idxShape(path: string, kind: IdxKind): number[] {
  const { start, size } = readStart(path, PEEKED);
  const packed = isPacked(start);
  const shape = shapeOf(path, packed ? unpacked(path, start, { finishFlush: constants.Z_SYNC_FLUSH }) : start, kind);
  if (!packed) checkSize(path, shape, size);
  return shape;
}

/** @throws UsageError with the offset in bytes where the file isn't what it should be, or not what `sha256` says */
export function readIdx(path: string, kind: IdxKind, sha256?: string): { shape: number[]; values: Uint8Array } {
  const bytes = readBytes(path, sha256);
  const expected = expectedSize(idxShape(path, kind));
  const content = isPacked(bytes) ? unpacked(path, bytes, { maxOutputLength: expected }) : bytes;
  const shape = shapeOf(path, content, kind);
  checkSize(path, shape, content.length);
  return { shape, values: content.subarray(headerSize(shape)) };
}

const isPacked = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b;

function unpacked(path: string, bytes: Buffer, options: { finishFlush?: number; maxOutputLength?: number }): Buffer {
  try {
    return gunzipSync(bytes, options);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UsageError(
        `${path}: goes on after byte ${options.maxOutputLength} (unpacked), where its header lets it end; get the file again`,
      );
    }
    if (typeof code !== 'string' || !code.startsWith('Z_')) throw error;
    const what = code === 'Z_BUF_ERROR' ? `ends too early, after byte ${bytes.length}` : `is damaged (${code})`;
    throw new UsageError(`${path}: its gzip data ${what}; get the file again`);
  }
}

function shapeOf(path: string, bytes: Buffer, kind: IdxKind): number[] {
  const wanted = dimensions[kind];
  const [zero, alsoZero, type, count] = bytes;
  const found = bytes.subarray(0, 4).toString('hex');
  if (bytes.length < 4 || zero !== 0 || alsoZero !== 0) {
    throw new UsageError(
      `${path}: byte 0: begins with ${found || 'nothing'}, no IDX file; ${kind} begin with 0000080${wanted}, or are packed by gzip`,
    );
  }
  if (type !== UNSIGNED_BYTE) {
    throw new UsageError(`${path}: byte 2: values are of type ${found.slice(4, 6)}; only 08 (unsigned bytes) is read`);
  }
  if (count !== wanted) {
    throw new UsageError(
      `${path}: byte 3: has ${count} dimensions, ${kind} have ${wanted}; is it the file of ${kind === 'images' ? 'labels' : 'images'}?`,
    );
  }
  if (bytes.length < 4 + 4 * wanted) {
    throw new UsageError(`${path}: ends after byte ${bytes.length}, within its header; get the file again`);
  }
  const shape = Array.from({ length: wanted }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const values = shape.reduce((product, n) => product * n, 1);
  if (values >= 1 && values <= MOST_VALUES) return shape;
  throw new UsageError(
    `${path}: byte 4: announces ${shape.join(' x ')} values; it takes 1 to ${MOST_VALUES}: take a part of the file`,
  );
}

function checkSize(path: string, shape: number[], size: number): void {
  const expected = expectedSize(shape);
  if (size === expected) return;
  const what =
    size < expected ? `ends after byte ${size} of the ${expected}` : `has ${size} bytes and not the ${expected}`;
  throw new UsageError(`${path}: ${what} that its header announces (${shape.join(' x ')} values); get the file again`);
}

function headerSize(shape: number[]): number {
  return 4 + 4 * shape.length;
}

function expectedSize(shape: number[]): number {
  return headerSize(shape) + shape.reduce((product, n) => product * n, 1);
}
