import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { shareOf } from '../clipping/touched.ts';
import { normOf } from '../norms.ts';
import { mapTensors, pick, zerosLike } from '../tensors.ts';
import type { Tensors, TransformPart } from '../types.ts';
import { sign as signOf } from '../updates/sign.ts';

type Structure = { scaled: boolean; error_feedback: boolean; semantics: 'safe' | 'torch' };

export const sign: TransformPart<Structure> = {
  name: 'sign',
  summary: 'Leaves of every entry its sign alone: clipping by value, with a bound far below all entries.',
  equation: 'g_i <- sign(g_i);  scaled: times mean |g_l|;  error_feedback: p = g + e, g <- sign of p, e <- p - g',
  reference:
    'Bernstein et al. 2018 (signSGD), Algorithm 1; scaled with error feedback: Karimireddy et al. 2019 (EF-signSGD), Algorithm 1, at a constant learning rate and with plain SGD; tf.sign, optax.scale_by_sign',
  scope: 'element',
  cost: 'R + W; scaled: 2R + W',
  options: z.strictObject({
    scaled: z.boolean().default(false).meta({
      description: "whether signs are multiplied with the mean absolute value of their tensor's entries",
      role: 'structural',
    }),
    error_feedback: z.boolean().default(false).meta({
      description: 'whether what the signs leave out is kept and added to the next gradient',
      role: 'structural',
    }),
    semantics: z.enum(['safe', 'torch']).default('safe').meta({
      description: 'of NaN: safe leaves it (as tf and optax do), torch makes it 0',
      role: 'structural',
    }),
  }),
  make: ({ scaled, error_feedback, semantics }) => {
    const compress = (p: tf.Tensor) => {
      const signs = semantics === 'torch' ? tf.where(p.isNaN(), tf.zerosLike(p), p.sign()) : signOf(p);
      // Divided before they are added, so that the sum doesn't overflow.
      return scaled ? signs.mul(p.abs().div(p.size).sum()) : signs;
    };
    return {
      init: (params) => (error_feedback ? zerosLike(params) : {}),
      update(grads, state) {
        const whole = error_feedback ? mapTensors(grads, (g, name) => g.add(pick(state, name))) : grads;
        const signs = mapTensors(whole, compress);
        const residual = error_feedback ? residualsOf(whole, signs, state) : {};
        const isOther = (g: tf.Tensor, name: string) => tf.logicalAnd(g.notEqual(pick(signs, name)), g.equal(g));
        const residuals = Object.values(residual);
        return {
          grads: signs,
          state: residual,
          info: {
            clipped_fraction: shareOf(Object.values(mapTensors(grads, isOther))),
            ...(residuals.length > 0 && { residual_norm: normOf(residuals) }),
          },
        };
      },
    };
  },
};

/** What was left out. A gradient that isn't finite leaves the residuals as they were, or they would never be finite again. */
function residualsOf(whole: Tensors, signs: Tensors, before: Tensors): Tensors {
  return mapTensors(whole, (p, name) => {
    const left = p.sub(pick(signs, name));
    return tf.where(left.isFinite(), left, pick(before, name));
  });
}
