import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { group, join, mapTensors, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

const decay = (of: string, fallback: number) =>
  z
    .number()
    .min(0)
    .lt(1)
    .default(fallback)
    .meta({ description: `decay of the running mean of ${of}`, role: 'numeric' });

export const adam: TransformPart<
  Record<string, never>,
  'beta1' | 'beta2' | 'epsilon' | 'one_minus_beta1' | 'one_minus_beta2'
> = {
  name: 'adam',
  summary: 'Running means of the gradient and its square, corrected for their start at zero.',
  equation:
    'm <- beta1 m + (1-beta1) g;  v <- beta2 v + (1-beta2) g^2;  w <- w - learning_rate m^ / (sqrt(v^) + epsilon)',
  reference: 'Kingma & Ba 2015, Algorithm 1; torch.optim.Adam (epsilon outside the root, after the correction)',
  options: z.strictObject({
    beta1: decay('the gradient', 0.9),
    beta2: decay("the gradient's square", 0.999),
    epsilon: z.number().positive().default(1e-8).meta({ description: 'keeps the quotient finite', role: 'numeric' }),
  }),
  derive: ({ beta1, beta2 }) => ({ one_minus_beta1: 1 - Number(beta1), one_minus_beta2: 1 - Number(beta2) }),
  make: () => ({
    // `seen` follows the same recurrence as the means, with 1 in place of the gradient. So it is 1 - beta^t, the
    // correction, without the cancellation of computing it as such in float32.
    init: (params) =>
      join<tf.Tensor>({
        mean: zerosLike(params),
        square: zerosLike(params),
        seen: { mean: tf.scalar(0), square: tf.scalar(0) },
      }),
    update(grads, state, { options, learning_rate }) {
      const { beta1, beta2, epsilon, one_minus_beta1, one_minus_beta2 } = options;
      const blend = (old: tf.Tensor, beta: tf.Scalar, fresh: tf.Tensor, rest: tf.Scalar) =>
        old.mul(beta).add(fresh.mul(rest));
      const previous = { mean: group(state, 'mean'), square: group(state, 'square'), seen: group(state, 'seen') };
      const mean = mapTensors(grads, (g, name) => blend(pick(previous.mean, name), beta1, g, one_minus_beta1));
      const square = mapTensors(grads, (g, name) =>
        blend(pick(previous.square, name), beta2, g.square(), one_minus_beta2),
      );
      const one = tf.scalar(1);
      const seen = {
        mean: blend(pick(previous.seen, 'mean'), beta1, one, one_minus_beta1),
        square: blend(pick(previous.seen, 'square'), beta2, one, one_minus_beta2),
      };
      // m^ / (sqrt(v^) + epsilon) with both corrections moved into scalars: fewer passes over the parameters.
      const correction = seen.square.sqrt();
      const rate = learning_rate.neg().mul(correction).div(seen.mean);
      const update = (m: tf.Tensor, name: string) =>
        m.div(pick(square, name).sqrt().add(epsilon.mul(correction))).mul(rate);
      return { grads: mapTensors(mean, update), state: join({ mean, square, seen }) };
    },
  }),
};
