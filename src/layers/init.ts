/** How weights start. All drawn on the host, so that a seed means the same weights on every backend. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { InitStreams, Stream } from '../types.ts';

/** How a weight starts. */
export type Start = {
  init: 'glorot' | 'he' | 'lecun' | 'orthogonal' | 'identity';
  distribution: 'uniform' | 'normal';
  gain: number;
};

/** Options of every model that has weights; spread them into its own. */
export const startOptions = {
  init: z
    .enum(['glorot', 'he', 'lecun', 'orthogonal', 'identity'])
    .default('glorot')
    .meta({ description: 'how weights start', role: 'structural' }),
  distribution: z
    .enum(['uniform', 'normal'])
    .default('uniform')
    .meta({ description: 'of starting weights; orthogonal and identity have none', role: 'structural' }),
  gain: z.number().positive().default(1).meta({ description: 'factor on starting weights', role: 'structural' }),
};

/**
 * Fresh weights [fan_in, fan_out], or of a convolution [height, width, channels in, channels out]. Variances: glorot
 * 2 / (fan_in + fan_out) (Glorot & Bengio 2010), he 2 / fan_in (He et al. 2015), lecun 1 / fan_in (LeCun et al. 1998),
 * uniform or (untruncated) normal. orthogonal: orthonormal rows, or columns where there are more rows (Saxe et al. 2014).
 * identity: ones on the diagonal (Le, Jaitly & Hinton 2015), of a convolution on that of its middle pixel. Zeros where there is
 * no stream.
 */
export function weights(
  { init, distribution, gain }: Start,
  streams: InitStreams,
  name: string,
  shape: number[],
): tf.Tensor {
  const stream = streams(name, shape);
  if (stream === undefined) return tf.zeros(shape);
  const [to = 1, channels = 1] = shape.toReversed();
  const area = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const [rows, size] = [area * channels, area * channels * to];
  if (init === 'identity') return tf.tensor(diagonal(shape, gain), shape);
  if (init === 'orthogonal')
    return tf.tensor(
      orthogonalValues(stream, rows, to).map((value) => value * gain),
      shape,
    );
  const [k, n] = { glorot: [2, rows + area * to], he: [2, rows], lecun: [1, rows] }[init];
  const scale = gain * Math.sqrt((distribution === 'uniform' ? 3 * (k ?? 1) : (k ?? 1)) / (n ?? 1));
  const draw = distribution === 'uniform' ? () => (2 * stream.uniform() - 1) * scale : () => stream.normal() * scale;
  return tf.tensor(Float32Array.from({ length: size }, draw), shape);
}

/** Of even sizes the middle is the earlier of two: "same" padding puts the odd row or column below or right. */
function diagonal(shape: number[], gain: number): Float32Array {
  const [to = 1, channels = 1, ...area] = shape.toReversed();
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const [column = 0, row = 0] = area.map((size) => Math.floor((size - 1) / 2));
  const middle = (row * (area[0] ?? 1) + column) * channels * to;
  for (let i = 0; i < Math.min(channels, to); i++) values[middle + i * to + i] = gain;
  return values;
}

/**
 * A random rotation, so that repeated multiplication neither explodes nor vanishes at the start: Gram-Schmidt in double on
 * normal rows, since tf.linalg.qr differs in its last bits between backends.
 */
function orthogonalValues({ normal }: Stream, rows: number, columns: number): Float32Array {
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const vectors: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, normal);
    // Twice: the second pass removes what rounding left of the first.
    for (const earlier of [...vectors, ...vectors]) subtract(vector, earlier, dot(vector, earlier));
    const norm = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((value) => value / norm));
  }
  const entry = rows <= columns ? (r: number, c: number) => vectors[r]?.[c] : (r: number, c: number) => vectors[c]?.[r];
  return Float32Array.from({ length: rows * columns }, (_, i) => entry(Math.floor(i / columns), i % columns) ?? 0);
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
