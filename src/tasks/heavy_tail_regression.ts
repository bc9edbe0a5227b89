import { z } from 'zod';
import { studentT } from '../data/draw.ts';
import { generated } from '../data/generated.ts';
import { mse, squaredError } from '../data/regression.ts';
import { dot } from '../data/vectors.ts';
import type { TaskPart } from '../types.ts';

export const heavy_tail_regression: TaskPart<{ features: number; degrees_of_freedom: number; noise: number }> = {
  name: 'heavy_tail_regression',
  summary:
    'A linear function learned from targets with Student-t noise, whose variance is infinite up to 2 degrees of freedom; all evaluated splits have the targets without noise.',
  equation: 'x ~ N(0, I), y = x w* + noise t(degrees_of_freedom), w*_j = +-1 / sqrt(features)',
  reference:
    'Zhang et al. 2020, "Why are adaptive methods good for attention models?", sections 2 and 3: noise with no variance',
  options: z.strictObject({
    features: z.int().min(1).max(10_000).default(20).meta({ description: 'numbers in an input', role: 'structural' }),
    degrees_of_freedom: z
      .number()
      .min(1)
      .max(1000)
      .default(1.5)
      .meta({ description: 'of the noise: 1 is Cauchy, 1000 nearly normal', role: 'structural' }),
    noise: z.number().min(0).default(1).meta({ description: 'factor on the noise', role: 'structural' }),
  }),
  make({ features, degrees_of_freedom, noise }) {
    // Targets without noise have variance 1.
    const solution = Float64Array.from({ length: features }, (_, j) => (j % 2 === 0 ? 1 : -1) / Math.sqrt(features));
    return {
      ...generated({ input: [features], output: 1 }, (stream, training) => (x, y) => {
        for (let j = 0; j < features; j++) x[j] = stream.normal();
        y[0] = dot(x, solution) + (training ? noise * studentT(degrees_of_freedom, stream) : 0);
      }),
      kind: 'regression',
      loss: squaredError,
      metric: mse,
    };
  },
};
