import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { groupsIn, type Scope, scopeOption } from '../clipping/scope.ts';
import { isChange, shareOf } from '../clipping/touched.ts';
import { groupNorms, resized } from '../norms.ts';
import { named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

type Fn = 'ratio' | 'sqrt';

/** n c / (n + c) and n c / sqrt(n^2 + c^2) are both the smaller of the two times a function of their quotient. */
const shapes: Record<Fn, (quotient: tf.Tensor) => tf.Tensor> = {
  ratio: (q) => q.add(1).reciprocal(),
  sqrt: (q) => q.square().add(1).sqrt().reciprocal(),
};

export const soft_norm: TransformPart<{ scope: Scope; fn: Fn }, 'max_norm'> = {
  name: 'soft_norm',
  summary:
    'Shortens every gradient smoothly: small ones hardly, large ones to just below max_norm; the direction stays.',
  equation: 'ratio: g <- g * max_norm / (max_norm + ||g||);  sqrt: g <- g * max_norm / sqrt(max_norm^2 + ||g||^2)',
  reference:
    'Zhang et al. 2020 (improved analysis of clipping), the smooth form of their code; sqrt is its rounder sister',
  scope: 'global',
  cost: '2R + W',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'norm that none reaches; half of it (sqrt: 0.71) is left where the norm equals it',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 10, scale: 'log' },
      }),
    scope: scopeOption,
    fn: z.enum(['ratio', 'sqrt']).default('ratio').meta({
      description: 'how soft: within a factor of 2 (ratio) or 1.41 (sqrt) of a hard clip',
      role: 'structural',
    }),
  }),
  make: ({ scope, fn }) => ({
    init: () => ({}),
    statistic: (grads) => groupNorms(groupsIn(grads, scope)).max().asScalar(),
    update(grads, state, { options: { max_norm } }) {
      const softer = (norms: tf.Tensor) => {
        const [low, high] = [tf.minimum(norms, max_norm), tf.maximum(norms, max_norm)];
        return low.mul(shapes[fn](low.div(high)));
      };
      const { groups, factors } = resized(groupsIn(grads, scope), softer);
      return {
        grads: named(grads, groups.flat()),
        state,
        info: { clipped_fraction: shareOf([isChange(factors)]), threshold: max_norm },
      };
    },
  }),
};
