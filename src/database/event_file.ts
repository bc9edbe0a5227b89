/**
 * Scalars as TensorBoard reads them: an event file is a row of records, each a protocol buffer `Event` with its length and checksums
 * (tensorflow/core/util/event.proto, tensorflow/core/lib/io/record_writer.h).
 */

/** What every event file begins with. */
export const fileStart = (): Buffer => record(text(3, 'brain.Event:2'));

/** One step's scalars, as float32. Without a wall time, so that the same results give the same bytes. */
export function scalarEvent(step: number, scalars: readonly (readonly [tag: string, value: number])[]): Buffer {
  const values = scalars.map(([tag, value]) => nested(1, Buffer.concat([text(1, tag), float(2, value)])));
  // proto3 leaves out what is 0.
  const at = step === 0 ? [] : [key(2, VARINT), varint(step)];
  return record(Buffer.concat([...at, nested(5, Buffer.concat(values))]));
}

const [VARINT, BYTES, FIXED32] = [0, 2, 5];

const key = (field: number, kind: number): Buffer => varint(field * 8 + kind);
const nested = (field: number, content: Buffer): Buffer =>
  Buffer.concat([key(field, BYTES), varint(content.length), content]);
const text = (field: number, value: string): Buffer => nested(field, Buffer.from(value));

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), bytes]);
}

/** Whole numbers from 0, seven bits a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, masked(length), data, masked(data)]);
}

/** CRC-32C, rotated and shifted as records have it, so that checksums of checksums don't degenerate. */
function masked(data: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of data) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  crc = (crc ^ 0xffffffff) >>> 0;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return bytes;
}

/** Castagnoli's polynomial; zlib's crc32 has another. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
