/** How weights start. All drawn on the host, so that a seed means the same weights on every backend. */
import * as tf from '@tensorflow/tfjs';
import type { InitStreams } from '../types.ts';

/** Uniform in +-sqrt(6 / (fan_in + fan_out)): keeps the variance of activations and gradients (Glorot & Bengio 2010). */
export function glorot(streams: InitStreams, name: string, rows: number, columns: number): tf.Tensor2D {
  const { uniform } = streams(name, [rows, columns]);
  const limit = Math.sqrt(6 / (rows + columns));
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => (2 * uniform() - 1) * limit),
    [rows, columns],
  );
}

/**
 * A random rotation, so that repeated multiplication neither explodes nor vanishes at the start (Saxe et al. 2014):
 * Gram-Schmidt in double on normal rows, since tf.linalg.qr differs in its last bits between backends.
 */
export function orthogonal(streams: InitStreams, name: string, size: number): tf.Tensor2D {
  const { normal } = streams(name, [size, size]);
  const rows: Float64Array[] = [];
  for (let r = 0; r < size; r++) {
    const row = Float64Array.from({ length: size }, normal);
    // Twice: the second pass removes what rounding left of the first.
    for (const earlier of [...rows, ...rows]) subtract(row, earlier, dot(row, earlier));
    const length = Math.sqrt(dot(row, row));
    rows.push(row.map((value) => value / length));
  }
  return tf.tensor2d(Float32Array.from(rows.flatMap((row) => [...row])), [size, size]);
}

export function zeros(size: number): tf.Tensor1D {
  return tf.zeros([size]);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function subtract(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] ?? 0) - factor * (b[i] ?? 0);
}
