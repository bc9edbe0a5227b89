/** A clip strategy or an optimizer, ready to be called by itself. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { noiseOf, normalOf } from '../../src/noise.ts';
import { build, constants } from '../../src/parts.ts';
import type { Options, Tensors, TransformPart, Update, UpdateContext } from '../../src/types.ts';
import { unchecked } from './choices.ts';

export interface Given {
  state?: Tensors;
  params?: Tensors;
  /** The raw one, where `grads` is an update that was made of it. */
  gradient?: Tensors;
  learning_rate?: number;
  loss?: number | tf.Scalar;
  step?: number;
  /** Numbers that stand for drawn ones, by site. */
  normals?: Tensors;
}

export interface Ready {
  init(params: Tensors, parts?: number): Tensors;
  /** Call inside tf.tidy. */
  update(grads: Tensors, given?: Given): Update;
  statistic?(grads: Tensors, given?: Given): tf.Scalar;
  readout?(params: Tensors, state: Tensors): Tensors;
}

/** What options are where nothing is said. */
const defaultsOf = (part: TransformPart): Options =>
  unchecked(
    Object.fromEntries(
      Object.entries(part.options.shape).flatMap(([name, schema]) =>
        schema instanceof z.ZodDefault ? [[name, schema.parse(undefined)]] : [],
      ),
    ),
  );

/** Options aren't checked here: the functions take any number, also those that a matrix refuses. */
export function transform(part: TransformPart, options: Options): Ready {
  const choice = { name: part.name, options: { ...defaultsOf(part), ...options } };
  const { init, update, statistic, readout } = build(part, choice);
  const numeric = constants(part, choice);
  const contextOf = (grads: Tensors, given: Given): UpdateContext => {
    const { params = grads, gradient = grads, learning_rate = 0.1, loss = 1, step = 0, normals = {} } = given;
    const noise = noiseOf({ high: tf.scalar(1), low: tf.scalar(2) }, tf.scalar(step));
    const drawn = normalOf(noise);
    return {
      params,
      gradient,
      options: Object.fromEntries(Object.entries(numeric).map(([name, value]) => [name, tf.scalar(value)])),
      learning_rate: tf.scalar(learning_rate),
      loss: typeof loss === 'number' ? tf.scalar(loss) : loss,
      step: tf.scalar(step),
      noise,
      normal: (site, shape) => normals[site] ?? drawn(site, shape),
    };
  };
  return {
    init,
    ...(readout && { readout }),
    update: (grads, given = {}) => update(grads, given.state ?? init(grads), contextOf(grads, given)),
    ...(statistic && { statistic: (grads, given = {}) => statistic(grads, contextOf(grads, given)) }),
  };
}
