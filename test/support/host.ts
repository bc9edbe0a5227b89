/** Tensors as plain numbers, for tests that look at values. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { HostTensor, HostTensors, Tensors } from '../../src/types.ts';

/** As tf.tidy, for what returns plain values: every tensor made in here is freed. */
export function freed<T>(compute: () => T): T {
  const engine = tf.engine();
  engine.startScope();
  try {
    return compute();
  } finally {
    engine.endScope();
  }
}

export function hostTensor(shape: number[], values: Iterable<number>): HostTensor {
  return { shape, values: Float32Array.from(values) };
}

/** Copies of the values: a tensor may share its memory with the array it was made from. */
export function toTensors(host: HostTensors): Tensors {
  return Object.fromEntries(
    Object.entries(host).map(([name, { shape, values }]) => [name, tf.tensor(values.slice(), shape)]),
  );
}

export function toHost(tensors: Tensors): HostTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, read(tensor)]));
}

export function read(tensor: tf.Tensor): HostTensor {
  return hostTensor(tensor.shape, tensor.dataSync());
}

export const shapesOf = (tensors: Tensors | HostTensors) =>
  Object.entries(tensors).map(([name, { shape }]) => `${name}[${shape.join(',')}]`);

/** Bit patterns, so that -0 differs from 0 and NaN equals NaN. */
export const bits = (values: Float32Array) => [...new Int32Array(values.slice().buffer)];

export const bitsOf = (host: HostTensors) =>
  Object.fromEntries(Object.entries(host).map(([name, { shape, values }]) => [name, { shape, bits: bits(values) }]));

/** L2 norm over all values, in double: the oracle of every norm. Fine up to 1e150. */
export function normOf(...tensors: HostTensor[]): number {
  let sum = 0;
  for (const { values } of tensors) for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** Within `bound`, which may be 0; NaN is near NaN alone. */
export function assertNear(got: number | undefined, wanted: number, bound: number, what = ''): void {
  const near = got !== undefined && (got === wanted || Object.is(got, wanted) || Math.abs(got - wanted) <= bound);
  assert.ok(near, `${what}: ${got}, expected ${wanted} within ${bound}`);
}

/** Equal up to a distance of `tolerance` times the wanted norm. */
export function assertClose(got: HostTensor, wanted: HostTensor, tolerance: number, what: string): void {
  assert.deepEqual(got.shape, wanted.shape, what);
  const off = normOf(
    hostTensor(
      got.shape,
      got.values.map((value, i) => value - (wanted.values[i] ?? Number.NaN)),
    ),
  );
  assert.ok(off <= tolerance * normOf(wanted), `${what}: off by ${off}, norm ${normOf(wanted)}`);
}
