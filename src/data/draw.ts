/** Draws from distributions that a stream has no method of its own for. */
import type { Stream } from '../types.ts';
import { dot } from './vectors.ts';

/** A whole number from 0 to `n` - 1, each as likely. */
export function below(n: number, stream: Stream): number {
  return Math.floor(stream.uniform() * n);
}

/**
 * Student's t with so many degrees of freedom, exactly, whatever real number above 0 they are: Box and Muller's method
 * with another radius (Bailey 1994, "Polar generation of random variates with the t-distribution"). Up to 2 degrees the
 * variance is infinite, up to 1 there is no mean.
 */
export function studentT(degreesOfFreedom: number, stream: Stream): number {
  // radius^2 = n (u^(-2/n) - 1); 1 - uniform() is never 0.
  const excess = Math.expm1((-2 / degreesOfFreedom) * Math.log(1 - stream.uniform()));
  return Math.sqrt(degreesOfFreedom * excess) * Math.cos(2 * Math.PI * stream.uniform());
}

/** A vector of `n` numbers and length 1, in any direction as likely. */
export function direction(n: number, stream: Stream): Float64Array {
  return scaledToOne(Float64Array.from({ length: n }, () => stream.normal()));
}

/** `n` orthonormal vectors of `n` numbers, in any rotation as likely (Gram-Schmidt on normal vectors). */
export function orthonormalBasis(n: number, stream: Stream): Float64Array[] {
  const basis: Float64Array[] = [];
  while (basis.length < n) {
    const vector = Float64Array.from({ length: n }, () => stream.normal());
    // Twice: the first pass leaves rounding errors where the vector was close to those before.
    for (const other of [...basis, ...basis]) {
      const along = dot(other, vector);
      for (let i = 0; i < n; i++) vector[i] = (vector[i] ?? 0) - along * (other[i] ?? 0);
    }
    basis.push(scaledToOne(vector));
  }
  return basis;
}

function scaledToOne(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector));
  return vector.map((value) => value / length);
}
