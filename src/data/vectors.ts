/** Sums and products of vectors on the host, in double. */

/** Sum of products. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Sum of vectors of one length, each times its factor. */
export function combine(vectors: Float64Array[], factors: number[]): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((vector, k) => {
    const factor = factors[k] ?? 0;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + factor * (vector[i] ?? 0);
  });
  return sum;
}

/** `n` orthonormal vectors of `n` numbers, none along an axis of its own where `n` > 1: the discrete cosine transform (DCT-II). */
export function cosineBasis(n: number): Float64Array[] {
  return Array.from({ length: n }, (_, k) =>
    Float64Array.from(
      { length: n },
      (_, i) => Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * n)),
    ),
  );
}
