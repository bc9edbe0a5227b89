import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { largestEntry } from '../norms.ts';
import { mapTensors, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

const fns = ['tanh', 'arctan', 'algebraic', 'sqrt', 'erf'] as const;
type Fn = (typeof fns)[number];

/** Odd functions with slope 1 at 0 that tend to 1. */
const shapes: Record<Fn, (y: tf.Tensor) => tf.Tensor> = {
  tanh: (y) => y.tanh(),
  // Divided, not multiplied by 2 / pi: so the largest is 1 and no more.
  arctan: (y) =>
    y
      .mul(Math.PI / 2)
      .atan()
      .div(Math.PI / 2),
  algebraic: (y) => y.div(y.abs().add(1)),
  // Of large numbers the square overflows, and the 1 is lost.
  sqrt: (y) => y.div(tf.where(y.abs().greater(1e10), y.abs(), y.square().add(1).sqrt())),
  erf: (y) => y.mul(Math.sqrt(Math.PI) / 2).erf(),
};

/** Below this all of them are the identity in float32; above its reciprocal all are 1. */
const FLAT = 2 ** -25;

export const soft_value: TransformPart<{ fn: Fn; semantics: 'safe' | 'paper' }, 'clip_value'> = {
  name: 'soft_value',
  summary: 'Bends every entry smoothly towards a bound that it never exceeds; changes the direction of the gradient.',
  equation:
    'g_i <- c f(g_i / c), c = clip_value;  f(y) = tanh(y), 2/pi atan(pi/2 y), y / (1 + |y|), y / sqrt(1 + y^2) or erf(sqrt(pi)/2 y)',
  reference: 'the definitions: odd functions with slope 1 at 0 that tend to 1',
  scope: 'element',
  cost: 'R + W',
  options: z.strictObject({
    clip_value: z
      .number()
      .positive()
      .meta({
        description: 'bound on the absolute value of an entry',
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
    fn: z.enum(fns).default('tanh').meta({
      description: 'f, from the one that bends late to those that bend early: erf, tanh, sqrt, arctan, algebraic',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'paper']).default('safe').meta({
      description:
        'safe: an infinite entry becomes the bound; paper: by the definition alone, so that algebraic and sqrt make NaN of it',
      role: 'structural',
    }),
  }),
  make: ({ fn, semantics }) => ({
    init: () => ({}),
    statistic: (grads) => largestEntry(Object.values(grads)),
    update(grads, state, { options: { clip_value } }) {
      const bend = (y: tf.Tensor) => shapes[fn](y).mul(clip_value);
      const bent = mapTensors(grads, (g) => {
        const y = g.div(clip_value);
        const inRange = tf.minimum(tf.maximum(y, -1 / FLAT), 1 / FLAT);
        if (semantics === 'paper') return bend(tf.where(g.isInf(), g, inRange));
        // With a bound so far away that y underflows, or Infinity for none at all.
        return tf.where(g.abs().lessEqual(clip_value.mul(FLAT)), g, bend(inRange));
      });
      const isBent = (g: tf.Tensor, name: string) =>
        pick(bent, name)
          .abs()
          .less(g.abs().mul(1 - 1e-6));
      return {
        grads: bent,
        state,
        info: {
          clipped_fraction: shareOf(Object.values(mapTensors(grads, isBent))),
          threshold: clip_value,
        },
      };
    },
  }),
};
