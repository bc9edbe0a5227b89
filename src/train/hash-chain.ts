/**
 * What a run did, step by step, in few bytes: enough to say where a repetition first differs. Every link is a hash over
 * all scalars of all steps so far, so equal last links mean equal runs.
 */
import { createHash } from 'node:crypto';
import { join } from '../tensors.ts';
import type { HostTensor, HostTensors } from '../types.ts';

export type Link =
  | { step: number; hash: string }
  /** A parameter or a tensor of the model's state before this step. */
  | { step: number; tensor: string; hash: string };

/** Adds the scalars of one step, as float32, in their order; returns the hash so far, 8 hex digits. */
export function hashChain(): (scalars: Record<string, number>) => string {
  const chain = createHash('sha256');
  return (scalars) => {
    const values = Float32Array.from(Object.values(scalars));
    chain.update(bytesOf(values));
    return chain.copy().digest('hex').slice(0, 8);
  };
}

/** One link for each tensor. */
export function tensorLinks(step: number, groups: Record<string, HostTensors>): Link[] {
  return Object.entries(join(groups)).map(([tensor, value]) => ({ step, tensor, hash: hashTensor(value) }));
}

function hashTensor({ shape, values }: HostTensor): string {
  return createHash('sha256')
    .update(`[${shape.join(',')}]`)
    .update(bytesOf(values))
    .digest('hex')
    .slice(0, 16);
}

/** Little-endian, and with one NaN: a processor knows many, which JavaScript keeps apart or not as it likes. */
function bytesOf(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.slice().buffer);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return new Uint8Array(bits.buffer);
}
