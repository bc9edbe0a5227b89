import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { resized, shortened } from '../norms.ts';
import { mapTensors, named, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';
import { blend, decayOption } from '../updates/moments.ts';

type Numbers = 'gamma' | 'nu' | 'beta' | 'one_minus_nu' | 'one_minus_beta';

export const mixed_clip: TransformPart<{ soft: boolean }, Numbers> = {
  name: 'mixed_clip',
  summary: 'A step along the momentum and one along the gradient, each clipped by itself.',
  equation:
    'm <- beta m + (1-beta) g;  w <- w - nu f(||m||) m - (1-nu) f(||g||) g, where f(n) = min(learning_rate, gamma / n), or softly learning_rate / (1 + learning_rate n / gamma)',
  reference: 'Zhang, Jin et al. 2020 (mixed clipping), Algorithm 1; soft: zbh2047/clipping-algorithms',
  cost: '4R + W; keeps N',
  scope: 'global',
  options: z.strictObject({
    gamma: z
      .number()
      .positive()
      .default(0.1)
      .meta({
        description: 'largest norm of the step along either',
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 1, scale: 'log' },
      }),
    nu: z.number().min(0).max(1).default(0.7).meta({
      description: 'share of the step along the momentum; 0 is clipping of the gradient, 1 of the momentum',
      role: 'numeric',
    }),
    beta: decayOption('the gradient', 0.999),
    soft: z.boolean().default(false).meta({
      description: 'steps are always shorter than gamma, and always a little shorter than without clipping',
      role: 'structural',
    }),
  }),
  derive: ({ nu, beta }) => ({ one_minus_nu: 1 - Number(nu), one_minus_beta: 1 - Number(beta) }),
  make: ({ soft }) => ({
    init: zerosLike,
    update(grads, state, { options: { gamma, nu, beta, one_minus_nu, one_minus_beta }, learning_rate }) {
      const momentum = mapTensors(grads, (g, name) => blend(pick(state, name), beta, g, one_minus_beta));
      const longest = gamma.div(learning_rate);
      const both = [Object.values(momentum), Object.values(grads)];
      const { groups, norms } = soft
        ? resized(both, (n) => n.reciprocal().add(longest.reciprocal()).reciprocal())
        : shortened(both, longest);
      const [alongMomentum = {}, alongGradient = {}] = groups.map((list) => named(grads, list));
      const [forMomentum, forGradient] = [nu, one_minus_nu].map((share) => share.mul(learning_rate).neg());
      const isLonger = norms.greater(longest).toFloat();
      return {
        grads: mapTensors(alongGradient, (g, name) =>
          g.mul(forGradient ?? nu).add(pick(alongMomentum, name).mul(forMomentum ?? nu)),
        ),
        state: momentum,
        info: {
          // What isn't taken isn't clipped.
          clipped_fraction: isLonger
            .mul(tf.stack([nu, one_minus_nu]).greater(0).toFloat())
            .max()
            .asScalar(),
          threshold: gamma,
          momentum_norm: norms.slice(0, 1).asScalar(),
        },
      };
    },
  }),
};
