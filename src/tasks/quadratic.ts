import { z } from 'zod';
import { orthonormalBasis } from '../data/draw.ts';
import { generated } from '../data/generated.ts';
import { mse, squaredError } from '../data/regression.ts';
import { combine, cosineBasis, dot } from '../data/vectors.ts';
import type { Stream, TaskPart } from '../types.ts';

type Spectrum = 'geometric' | 'deep';

export const quadratic: TaskPart<{ dimension: number; condition_number: number; spectrum: Spectrum; noise: number }> = {
  name: 'quadratic',
  summary:
    'An ill-conditioned quadratic as a linear regression: batches of 2 dimension examples, or a multiple, have its exact gradient, others a noisy one.',
  equation:
    'mean (x w + b - x w*)^2 = 1/2 (w - w*)^T A (w - w*) + b^2, A = 2 mean(x^T x) with eigenvalues from 2 / condition_number to 2',
  reference:
    "LeCun, Bottou, Orr & Mueller 1998, section 5: a linear model's Hessian is its inputs' second moment; spectrum `deep` after quadratic_deep of DeepOBS (Schneider, Balles & Hennig 2019); deep linear networks on it: Saxe et al. 2014",
  options: z.strictObject({
    dimension: z.int().min(2).max(500).default(16).meta({ description: 'numbers in an input', role: 'structural' }),
    condition_number: z
      .number()
      .min(1)
      .max(1e6)
      .default(100)
      .meta({ description: 'largest eigenvalue of the Hessian divided by the smallest', role: 'structural' }),
    spectrum: z
      .enum(['geometric', 'deep'])
      .default('geometric')
      .meta({ description: 'geometric: a geometric series; deep: most are small, a tenth large', role: 'structural' }),
    noise: z
      .number()
      .min(0)
      .default(0)
      .meta({ description: 'standard deviation of noise on training targets', role: 'structural' }),
  }),
  make({ dimension, condition_number, spectrum, noise }) {
    // Not the axes of the weights, which would suit what works entry by entry.
    const axes = cosineBasis(dimension);
    const moments = spectra[spectrum](dimension, condition_number);
    const solution = combine(axes, new Array<number>(dimension).fill(1));
    return {
      ...generated(
        { input: [dimension], output: 1 },
        (stream, training) => {
          const next = directions(dimension, stream);
          return (x, y) => {
            const along = next();
            x.set(
              combine(
                axes,
                moments.map((moment, j) => Math.sqrt(dimension * moment) * along(j)),
              ),
            );
            y[0] = dot(x, solution) + (training ? noise * stream.normal() : 0);
          };
        },
        // Of whole turns of `directions`, about a thousand.
        2 * dimension * Math.ceil(500 / dimension),
      ),
      kind: 'regression',
      loss: squaredError,
      metric: mse,
    };
  },
};

/**
 * Eigenvalues of the inputs' second moment, half of those of the Hessian: from 1 / conditionNumber to 1. `deep` has the
 * proportions of DeepOBS, 90 % in [0, 1] and 10 % in [30, 60], evenly spaced.
 */
const spectra: Record<Spectrum, (count: number, conditionNumber: number) => number[]> = {
  geometric: (count, conditionNumber) =>
    evenly(count, 0, -Math.log(conditionNumber)).map((logarithm) => Math.exp(logarithm)),
  deep(count, conditionNumber) {
    const large = Math.max(1, Math.round(count / 10));
    const least = 1 / conditionNumber;
    return [...evenly(large, 1, Math.max(least, 1 / 2)), ...evenly(count - large, least, Math.max(least, 1 / 60))];
  },
};

/** The first is `from`. */
function evenly(count: number, from: number, to: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / Math.max(1, count - 1));
}

/**
 * Entry j of the next unit vector: of an orthonormal basis, each followed by its opposite, then of another basis. Over 2 n
 * vectors the mean is 0 and the second moment exactly that of a uniform direction, 1 / n times the identity.
 */
function directions(n: number, stream: Stream): () => (j: number) => number {
  let vectors: Float64Array[] = [];
  let place = 0;
  return () => {
    if (place === 2 * vectors.length) {
      vectors = orthonormalBasis(n, stream);
      place = 0;
    }
    const vector = vectors[Math.floor(place / 2)];
    const sign = place % 2 === 0 ? 1 : -1;
    place += 1;
    return (j) => sign * (vector?.[j] ?? 0);
  };
}
