/**
 * Protocol buffers, as far as a SavedModel needs them: every function writes one field (its number in the .proto file
 * first), and a message is its fields one after the other.
 */

/** Wire types: how the bytes after a field's number are to be read. */
const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

export function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

export function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([tag(field, LENGTH), varint(BigInt(value.length)), value]);
}

export function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

export function int(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, VARINT), varint(BigInt(value))]);
}

export function bool(field: number, value: boolean): Buffer {
  return int(field, value ? 1 : 0);
}

export function float(field: number, value: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeFloatLE(value);
  return Buffer.concat([tag(field, FIXED32), body]);
}

export function ints(field: number, values: number[]): Buffer {
  return bytes(field, Buffer.concat(values.map((value) => varint(BigInt(value)))));
}

export function floats(field: number, values: number[]): Buffer {
  return bytes(field, Buffer.from(Float32Array.from(values).buffer));
}

/** One entry of a map. */
export function entry(field: number, key: string, value: Buffer): Buffer {
  return bytes(field, message(text(1, key), bytes(2, value)));
}

function tag(field: number, type: number): Buffer {
  return varint(BigInt((field << 3) | type));
}

/** Seven bits a byte, lowest first; negative numbers as 64-bit two's complement. */
function varint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Buffer.from(out);
}
