import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { clipByNorm, type NormRule, normAs, normRules, normSemantics } from '../clipping/norm_rules.ts';
import { groupsOf } from '../clipping/patterns.ts';
import { isChange, shareOf } from '../clipping/touched.ts';
import { plainUnitNorms, shortenedUnits, unitNorms } from '../clipping/units.ts';
import { groupNorms, shortened } from '../norms.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

const semantics = [...normSemantics, 'tf_average'] as const;
type Semantics = (typeof semantics)[number];

const rules: Record<Exclude<Semantics, 'safe'>, NormRule> = {
  ...normRules,
  tf: clipByNorm,
  keras: (n, c) => tf.where(c.lessEqual(0), tf.onesLike(n), clipByNorm(n, c)),
  /** tf.compat.v1.clip_by_average_norm: what isn't finite stays in its entries. */
  tf_average: (n, c) => c.mul(tf.minimum(n.reciprocal(), c.reciprocal())),
};

export const norm: TransformPart<{ semantics: Semantics; groups: string[][]; axes: number[] }, 'max_norm'> = {
  name: 'norm',
  summary: 'Clips the L2 norm of every tensor by itself; the directions of the tensors stay, their proportions change.',
  equation: 'g_l <- g_l * min(1, max_norm / ||g_l||)',
  reference: 'tf.clip_by_norm; `clipnorm` of Keras 3; with groups, ClipL2PerLayer of Deeplearning4j',
  scope: 'tensor',
  cost: '2R + W',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'largest L2 norm of a tensor',
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
    groups: z.array(z.array(z.string()).min(1)).default([]).meta({
      description: 'lists of parameters, such as [["*0"], [w1, b1]], whose norm is taken together',
      role: 'structural',
    }),
    axes: z.array(z.int().min(0)).default([]).meta({
      description: 'axes over which a norm is taken, where a tensor has them; none are all, the whole tensor',
      role: 'structural',
    }),
    semantics: z.enum(semantics).default('safe').meta({
      description:
        'safe: the norm never overflows; else as that system computes it: an overflowing norm makes a tensor 0; tf_average: as tf.compat.v1.clip_by_average_norm, the norm over the number of entries',
      role: 'structural',
    }),
  }),
  make: ({ semantics, groups, axes }) => ({
    init: () => ({}),
    statistic: (grads) => {
      const lists = groupsOf(grads, groups).map((names) => names.map((name) => pick(grads, name)));
      const norms =
        axes.length === 0
          ? groupNorms(lists)
          : tf.concat1d(lists.flat().map((g) => unitNorms(g, own(g, axes)).flatten()));
      return norms.max().asScalar();
    },
    update(grads, state, { options: { max_norm } }) {
      const names = groupsOf(grads, groups);
      const lists = names.map((group) => group.map((name) => pick(grads, name)));
      const isAlong = axes.length > 0;
      const results =
        semantics === 'safe' && !isAlong
          ? [safely(lists, max_norm)]
          : lists.flatMap((list) =>
              semantics === 'safe' || isAlong
                ? list.map((g) => along(g, axes, semantics, max_norm))
                : [together(list, semantics, max_norm)],
            );
      const clipped = named(
        Object.fromEntries(names.flat().map((name) => [name, pick(grads, name)])),
        results.flatMap(({ tensors }) => tensors),
      );
      return {
        // In the order in which they came, whatever the groups.
        grads: mapTensors(grads, (_, name) => pick(clipped, name)),
        state,
        info: { clipped_fraction: shareOf(results.map(({ isTouched }) => isTouched)), threshold: max_norm },
      };
    },
  }),
};

interface Clipped {
  tensors: tf.Tensor[];
  /** An entry for each norm. */
  isTouched: tf.Tensor;
}

function safely(lists: tf.Tensor[][], max_norm: tf.Scalar): Clipped {
  const { groups, norms } = shortened(lists, max_norm);
  return { tensors: groups.flat(), isTouched: norms.greater(max_norm) };
}

/** Tensors whose norm is taken together, by another system's rule. */
function together(list: tf.Tensor[], semantics: Exclude<Semantics, 'safe'>, max_norm: tf.Scalar): Clipped {
  const norm = normAs(semantics, list);
  const entries = list.reduce((n, { size }) => n + size, 0);
  const factor = rules[semantics](semantics === 'tf_average' ? norm.div(entries) : norm, max_norm);
  return { tensors: list.map((g) => times(g, factor, semantics, norm, max_norm)), isTouched: isChange(factor) };
}

/** One tensor, whose norms are taken over these axes. */
function along(g: tf.Tensor, axes: number[], semantics: Semantics, max_norm: tf.Scalar): Clipped {
  if (semantics !== 'safe') {
    const norms = plainUnitNorms(g, own(g, axes));
    const factors = rules[semantics](norms, max_norm);
    return { tensors: [times(g, factors, semantics, norms, max_norm)], isTouched: isChange(factors) };
  }
  const { tensor, norms } = shortenedUnits(g, own(g, axes), max_norm);
  return { tensors: [tensor], isTouched: norms.greater(max_norm) };
}

/** TensorFlow and Keras multiply by max_norm first: with both large that overflows. */
function times(
  g: tf.Tensor,
  factors: tf.Tensor,
  semantics: Semantics,
  norms: tf.Tensor,
  max_norm: tf.Scalar,
): tf.Tensor {
  if (semantics !== 'tf' && semantics !== 'keras') return g.mul(factors);
  const limit = tf.maximum(max_norm, 0);
  const clipped = g.mul(limit).div(tf.maximum(norms, limit));
  return semantics === 'keras' ? tf.where(max_norm.lessEqual(0), g, clipped) : clipped;
}

/** Those of the axes that it has; a tensor without one of them has one norm. */
const own = (g: tf.Tensor, axes: number[]): number[] => (axes.every((axis) => axis < g.rank) ? axes : []);
