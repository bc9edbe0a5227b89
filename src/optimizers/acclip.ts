import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { isChange, shareOf } from '../clipping/touched.ts';
import { group, join, mapTensors, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { blend, decayOption, epsilonOption, type MomentNumbers, momentConstants } from '../updates/moments.ts';

type Structure = { alpha: 1 | 2; semantics: 'paper' | 'acclip_pytorch' };

export const acclip: TransformPart<Structure, MomentNumbers> = {
  name: 'acclip',
  summary: "Momentum whose entries are clipped to a running mean of the gradient's absolute values.",
  equation:
    'm <- beta1 m + (1-beta1) g;  tau^alpha <- beta2 tau^alpha + (1-beta2) |g|^alpha;  w <- w - learning_rate min(tau / (|m| + epsilon), 1) m',
  reference:
    'Zhang, Karimireddy et al. 2020 (ACClip), Algorithm 2: no corrections for the start at 0; acclip_pytorch: rivercold/ACClip-Pytorch with mod=1',
  cost: 'as Adam',
  scope: 'element',
  options: z.strictObject({
    beta1: decayOption('the gradient', 0.9),
    beta2: decayOption("the gradient's absolute value to the power of alpha", 0.99),
    epsilon: epsilonOption(1e-5),
    alpha: z
      .union([z.literal(1), z.literal(2)])
      .default(1)
      .meta({ description: 'power of which the running mean is taken', role: 'structural' }),
    semantics: z.enum(['paper', 'acclip_pytorch']).default('paper').meta({
      description: 'acclip_pytorch: what is left is also divided by the root of a running mean square, as in Adam',
      role: 'structural',
    }),
  }),
  derive: momentConstants,
  make: ({ alpha, semantics }) => ({
    init: (params) =>
      join({
        mean: zerosLike(params),
        power: zerosLike(params),
        square: semantics === 'acclip_pytorch' ? zerosLike(params) : {},
      }),
    update(grads, state, { options, learning_rate }) {
      const { beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon } = options;
      const means = { mean: group(state, 'mean'), power: group(state, 'power'), square: group(state, 'square') };
      const next = {
        mean: mapTensors(means.mean, (m, name) => blend(m, beta1, pick(grads, name), one_minus_beta1)),
        power: mapTensors(means.power, (tau, name) => {
          const g = pick(grads, name);
          return blend(tau, beta2, alpha === 1 ? g.abs() : g.square(), one_minus_beta2);
        }),
        square: mapTensors(means.square, (v, name) => blend(v, beta2, pick(grads, name).square(), one_minus_beta2)),
      };
      const bounds = mapTensors(next.power, (tau) => (alpha === 1 ? tau : tau.sqrt()));
      const factors = mapTensors(next.mean, (m, name) => tf.minimum(pick(bounds, name).div(m.abs().add(epsilon)), 1));
      const rate = learning_rate.neg();
      const count = Object.values(grads).reduce((n, { size }) => n + size, 0);
      return {
        grads: mapTensors(next.mean, (m, name) => {
          const clipped = m.mul(pick(factors, name));
          const v = next.square[name];
          return (v === undefined ? clipped : clipped.div(v.mul(beta2).sqrt().add(epsilon))).mul(rate);
        }),
        state: join(next),
        info: {
          clipped_fraction: shareOf(Object.values(factors).map(isChange)),
          // Every entry has its own: their mean.
          threshold: tf
            .addN(Object.values(bounds).map((tau) => tau.sum()))
            .div(count)
            .asScalar(),
        },
      };
    },
  }),
};
