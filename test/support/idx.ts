/** IDX files made for tests. */
import { gzipSync } from 'node:zlib';
import { sha } from './loading.ts';

/** A file of unsigned bytes, or of another type. */
export function idx(shape: number[], values: ArrayLike<number>, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, type, shape.length]);
  for (const [i, n] of shape.entries()) header.writeUInt32BE(n, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(values)]);
}

/** Images that gzip can't make shorter: the header is in the first bytes, the values far beyond. */
export const noise = () =>
  idx(
    [60, 28, 28],
    Uint8Array.from({ length: 60 * 28 * 28 }, (_, i) => Number(`0x${sha(`${i}`).slice(0, 2)}`)),
  );
/** Packed, with another checksum at the end than the values have. */
export function damaged(bytes: Buffer): Buffer {
  const packed = gzipSync(bytes);
  packed[packed.length - 8] = 255 - (packed.at(-8) ?? 0);
  return packed;
}
