import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { isChange, shareOf } from '../clipping/touched.ts';
import { groupNorms } from '../norms.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { weightDecayOption } from '../updates/weight-decay.ts';

type Numbers = 'trust_coefficient' | 'weight_decay' | 'eps';

export const larc: TransformPart<{ clip: boolean; weight_decay: boolean }, Numbers> = {
  name: 'larc',
  summary: "Bounds the learning rate of every tensor by a share of its weights' norm over its gradient's.",
  equation:
    'r_l = trust_coefficient ||w_l|| / (||g_l|| + weight_decay ||w_l|| + eps);  g_l <- (g_l + weight_decay w_l) min(1, r_l / learning_rate);  without clip: ... r_l',
  reference:
    'NVIDIA apex parallel/LARC.py, after You et al. 2017 (where a norm is 0 nothing changes, and nothing decays)',
  scope: 'tensor',
  cost: '3R + W',
  options: z.strictObject({
    trust_coefficient: z
      .number()
      .positive()
      .default(0.02)
      .meta({
        description: "norm of a tensor's update, as a share of its weights' norm",
        role: 'numeric',
        threshold: true,
        search: { min: 1e-4, max: 0.1, scale: 'log' },
      }),
    clip: z.boolean().default(true).meta({
      description:
        'whether the share is a bound on the update, so that short gradients stay; else the update has that length at learning rate 1',
      role: 'structural',
    }),
    weight_decay: weightDecayOption(0, 'share of the weights that is added to the gradient before it is scaled'),
    eps: z.number().min(0).default(1e-8).meta({ description: 'keeps the quotient finite', role: 'numeric' }),
  }),
  make: ({ clip, weight_decay: hasDecay }) => ({
    init: () => ({}),
    update(grads, state, { params, learning_rate, options: { trust_coefficient, weight_decay, eps } }) {
      const [ws, gs] = [Object.keys(grads).map((name) => pick(params, name)), Object.values(grads)];
      const norms = groupNorms([...ws, ...gs].map((tensor) => [tensor]));
      const [wNorms, gNorms] = [norms.slice(0, ws.length), norms.slice(ws.length)];
      const decay = hasDecay ? wNorms.mul(weight_decay) : 0;
      const ratios = trust_coefficient.mul(wNorms).div(gNorms.add(decay).add(eps));
      // NaN is not 0 either: it is hidden from nobody.
      const isUsable = tf.logicalAnd(wNorms.notEqual(0), gNorms.notEqual(0));
      // Compared before it is divided by: a schedule may end at a rate of 0.
      const bounded = clip
        ? tf.where(ratios.greaterEqual(learning_rate), tf.onesLike(ratios), ratios.div(learning_rate))
        : ratios;
      const factors = tf.where(isUsable, bounded, tf.onesLike(ratios));
      const factor = named(grads, factors.unstack());
      const share = named(grads, isUsable.toFloat().mul(weight_decay).unstack());
      const decayed = (g: tf.Tensor, name: string) => (hasDecay ? g.add(pick(params, name).mul(pick(share, name))) : g);
      return {
        grads: mapTensors(grads, (g, name) => decayed(g, name).mul(pick(factor, name))),
        state,
        info: { clipped_fraction: shareOf([isChange(factors)]), threshold: trust_coefficient },
      };
    },
  }),
};
