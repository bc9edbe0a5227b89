import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import {
  axesOfUnits,
  plainUnitNorms,
  shortenedUnits,
  type UnitAxis,
  unitAxisOption,
  unitNorms,
} from '../clipping/units.ts';
import { named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

const semantics = ['safe', 'optax', 'composer', 'timm', 'kozistr'] as const;
type Semantics = (typeof semantics)[number];

interface Limits {
  clipping: tf.Scalar;
  eps: tf.Scalar;
}

/** The factor on a unit whose gradient has the norm `g` and whose weights have the norm `w`. */
type Rule = (g: tf.Tensor, w: tf.Tensor, limits: Limits) => tf.Tensor;

/** Norms of gradients count as this at least where they are divided by. */
const FLOOR = 1e-6;

const optax: Rule = (g, w, { clipping, eps }) => {
  const longest = clipping.mul(tf.maximum(w, eps));
  return tf.where(g.less(longest), tf.onesLike(g), longest.div(tf.maximum(g, FLOOR)));
};

const rules: Record<Exclude<Semantics, 'safe'>, Rule> = {
  optax,
  timm: optax,
  /** pytorch_optimizer: the norm that is compared has its floor too. */
  kozistr: (g, w, { clipping, eps }) => {
    const [longest, norm] = [clipping.mul(tf.maximum(w, eps)), tf.maximum(g, FLOOR)];
    return tf.where(norm.greater(longest), longest.div(norm), tf.onesLike(norm));
  },
  /** No floor under either: a unit that starts at 0 never moves, and a gradient of NaN passes. */
  composer: (g, w, { clipping }) => {
    const factor = clipping.mul(w).div(g);
    return tf.where(factor.isNaN(), tf.onesLike(factor), tf.minimum(factor, 1));
  },
};

/** Of three axes, as in a convolution over time, pytorch_optimizer takes the middle one alone. */
const kozistrAxes = (name: string, shape: number[], unit: UnitAxis): number[] =>
  unit === 'first' && shape.length === 3 ? [1] : axesOfUnits(name, shape, unit);

type Structure = { unit_axis: UnitAxis; semantics: Semantics };

export const agc: TransformPart<Structure, 'clipping' | 'eps'> = {
  name: 'agc',
  summary:
    "Clips the gradient of every unit to a share of the norm of the unit's weights. The paper spares the last layer: exclude it.",
  equation: 'g_u <- g_u * min(1, clipping max(||w_u||, eps) / ||g_u||)',
  reference:
    'Brock et al. 2021, equation 3; optax.adaptive_grad_clip; timm.utils.agc; Composer; pytorch_optimizer (kozistr)',
  scope: 'unit',
  cost: '4R + W',
  options: z.strictObject({
    clipping: z
      .number()
      .positive()
      .default(0.01)
      .meta({
        description: "largest norm of a unit's gradient, as a share of its weights' norm",
        role: 'numeric',
        threshold: true,
        search: { min: 2.5e-3, max: 0.16, scale: 'log' },
      }),
    eps: z.number().min(0).default(1e-3).meta({
      description: 'norm that weights have at least, so that units which start at 0 can move',
      role: 'numeric',
    }),
    unit_axis: unitAxisOption,
    semantics: z.enum(semantics).default('safe').meta({
      description:
        'safe: norms never overflow; else as that system computes it, where an overflowing norm makes a unit 0; composer has no eps: units that start at 0 never move',
      role: 'structural',
    }),
  }),
  make: ({ unit_axis, semantics }) => ({
    init: () => ({}),
    statistic: (grads, { params, options: { eps } }) => {
      const shares = Object.entries(grads).map(([name, g]) => {
        const axes = axesOfUnits(name, g.shape, unit_axis);
        return unitNorms(g, axes)
          .div(tf.maximum(unitNorms(pick(params, name), axes), eps))
          .max();
      });
      return tf.stack(shares).max().asScalar();
    },
    update(grads, state, { params, options }) {
      const axesOf = semantics === 'kozistr' ? kozistrAxes : axesOfUnits;
      const units = Object.entries(grads).map(([name, g]) => {
        const axes = axesOf(name, g.shape, unit_axis);
        const w = pick(params, name);
        return semantics === 'safe' ? bySafeNorms(g, w, axes, options) : byRule(rules[semantics], g, w, axes, options);
      });
      return {
        grads: named(
          grads,
          units.map(({ clipped }) => clipped),
        ),
        state,
        info: { clipped_fraction: shareOf(units.map(({ isTouched }) => isTouched)), threshold: options.clipping },
      };
    },
  }),
};

interface Units {
  clipped: tf.Tensor;
  isTouched: tf.Tensor;
}

function bySafeNorms(g: tf.Tensor, w: tf.Tensor, axes: number[], { clipping, eps }: Limits): Units {
  const longest = clipping.mul(tf.maximum(unitNorms(w, axes), eps));
  const { tensor, norms } = shortenedUnits(g, axes, longest);
  return { clipped: tensor, isTouched: norms.greater(longest) };
}

function byRule(rule: Rule, g: tf.Tensor, w: tf.Tensor, axes: number[], limits: Limits): Units {
  const factor = rule(plainUnitNorms(g, axes), plainUnitNorms(w, axes), limits);
  return { clipped: g.mul(factor), isTouched: factor.less(1) };
}
