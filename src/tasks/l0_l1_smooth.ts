import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { direction } from '../data/draw.ts';
import { generated } from '../data/generated.ts';
import { mse } from '../data/regression.ts';
import { dot } from '../data/vectors.ts';
import type { Task, TaskPart } from '../types.ts';

type Growth = 'quartic' | 'exponential';

export const l0_l1_smooth: TaskPart<{ features: number; growth: Growth; l1: number }> = {
  name: 'l0_l1_smooth',
  summary:
    "A linear function learned with a loss whose curvature grows with its gradient: (1, l1)-smooth in the model's output, and smooth with no constant.",
  equation:
    "quartic: f(e) = l1^2 e^4 / 16;  exponential: f(e) = (cosh(l1 e) - 1) / l1^2;  e = y - x w*, |x| = 1;  |f''| <= 1 + l1 |f'|",
  reference:
    'Zhang, He, Sra & Jadbabaie 2020, "Why gradient clipping accelerates training", Definition 1 and the polynomials after it; the exponential is added',
  options: z.strictObject({
    features: z.int().min(2).max(10_000).default(10).meta({ description: 'numbers in an input', role: 'structural' }),
    growth: z.enum(['quartic', 'exponential']).default('exponential').meta({
      description: 'of the loss with the distance from the target',
      role: 'structural',
    }),
    l1: z
      .number()
      .positive()
      .max(20)
      .default(4)
      .meta({ description: 'L1: how fast the curvature grows with the gradient; L0 is 1', role: 'structural' }),
  }),
  make({ features, growth, l1 }) {
    // Targets have variance 1.
    const solution = Float64Array.from({ length: features }, (_, j) => (j % 2 === 0 ? 1 : -1));
    return {
      ...generated({ input: [features], output: 1 }, (stream) => (x, y) => {
        // Of length 1, so that f has the same constants in the weights of a linear model: its gradient there is f' x, its
        // Hessian f'' x x^T. Of the mean loss, the Hessian is at most 1 + l1 times the mean of the examples' gradient norms.
        x.set(direction(features, stream));
        y[0] = dot(x, solution);
      }),
      kind: 'other',
      loss: losses[growth](l1),
      metric: mse,
    };
  },
};

/** Why L0 is 1, with |e| = t / l1:  quartic  3/4 t^2 <= 1 + t^3 / 4, equal at t = 2;  exponential  cosh(t) <= 1 + sinh(t). */
const losses: Record<Growth, (l1: number) => Task['loss']> = {
  quartic: (l1) => (y, target) =>
    y
      .sub(target)
      .square()
      .square()
      .mul((l1 * l1) / 16)
      .as1D(),
  // cosh(t) - 1 = 2 sinh(t / 2)^2, which loses nothing near 0.
  exponential: (l1) => (y, target) =>
    tf
      .sinh(y.sub(target).mul(l1 / 2))
      .square()
      .mul(2 / (l1 * l1))
      .as1D(),
};
