import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { towards } from '../clipping/running_mean.ts';
import { shortened } from '../norms.ts';
import { group, join, mapTensors, named, pick, zerosLike } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

/**
 * The parameters are x, where the gradient is taken; y and z are kept as their distances from x, so that whatever else moves
 * the parameters moves all three.
 */
export const clipped_sstm: TransformPart<Record<string, never>, 'a' | 'bound'> = {
  name: 'clipped_sstm',
  summary: 'Accelerated descent for heavy-tailed noise, which clips harder the longer its steps become.',
  equation:
    's = (k+2) learning_rate / (2a);  A <- A + s;  z <- z - s clip(g(x), bound / s);  y <- y + (s / A) (z - y);  x <- y + (s_next / A_next) (z - y);  y is what is evaluated',
  reference: 'Gorbunov, Danilova & Gasnikov 2020 (clipped-SSTM), Algorithm 1; the learning rate is 1/L',
  cost: '2R + W; keeps 2N',
  scope: 'global',
  options: z.strictObject({
    a: z.number().positive().default(1).meta({ description: 'the larger, the shorter the steps', role: 'numeric' }),
    bound: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: "B, the longest step of z: a step of size s clips the gradient's norm to B / s",
        role: 'numeric',
        threshold: true,
        search: { min: 1e-3, max: 10, scale: 'log' },
      }),
  }),
  make: () => ({
    init: (params) =>
      join<tf.Tensor>({
        z: zerosLike(params),
        y: zerosLike(params),
        schedule: { step: tf.scalar(0), total: tf.scalar(0) },
      }),
    update(grads, state, { options: { a, bound }, learning_rate }) {
      const step = pick(state, 'schedule.step');
      const sizeAt = (k: tf.Tensor) => k.add(2).mul(learning_rate).div(a.mul(2));
      const [size, sizeNext] = [sizeAt(step), sizeAt(step.add(1))];
      const total = pick(state, 'schedule.total').add(size);
      const [share, shareNext] = [size.divNoNan(total), sizeNext.divNoNan(total.add(sizeNext))];

      const longest = bound.div(size).asScalar();
      const { groups, norms } = shortened([Object.values(grads)], longest);
      const clipped = named(grads, groups.flat());
      const z = mapTensors(group(state, 'z'), (offset, name) => offset.sub(pick(clipped, name).mul(size)));
      const y = mapTensors(group(state, 'y'), (offset, name) => towards(offset, pick(z, name), share));
      const update = mapTensors(y, (offset, name) => towards(offset, pick(z, name), shareNext));
      const fromNext = (offsets: typeof z) => mapTensors(offsets, (offset, name) => offset.sub(pick(update, name)));
      return {
        grads: update,
        state: join<tf.Tensor>({ z: fromNext(z), y: fromNext(y), schedule: { step: step.add(1), total } }),
        info: {
          clipped_fraction: norms.greater(longest).toFloat().asScalar(),
          threshold: longest,
          step_size: size.asScalar(),
        },
      };
    },
    readout: (params, state) => mapTensors(params, (x, name) => x.add(pick(group(state, 'y'), name))),
  }),
};
