/** A clip strategy or an optimizer, ready to be called by itself. */
import * as tf from '@tensorflow/tfjs';
import { noiseOf } from '../../src/noise.ts';
import { build, constants } from '../../src/parts.ts';
import type { Options, Tensors, TransformPart, Update } from '../../src/types.ts';

export interface Given {
  state?: Tensors;
  params?: Tensors;
  learning_rate?: number;
  step?: number;
}

export interface Ready {
  init(params: Tensors): Tensors;
  /** Call inside tf.tidy. */
  update(grads: Tensors, given?: Given): Update;
}

/** Options aren't checked here: the functions take any number, also those that a matrix refuses. */
export function transform(part: TransformPart, options: Options): Ready {
  const choice = { name: part.name, options };
  const { init, update } = build(part, choice);
  const numeric = constants(part, choice);
  return {
    init,
    update(grads, { state = init(grads), params = grads, learning_rate = 0.1, step = 0 } = {}) {
      return update(grads, state, {
        params,
        gradient: grads,
        options: Object.fromEntries(Object.entries(numeric).map(([name, value]) => [name, tf.scalar(value)])),
        learning_rate: tf.scalar(learning_rate),
        loss: tf.scalar(1),
        step: tf.scalar(step),
        noise: noiseOf({ high: tf.scalar(1), low: tf.scalar(2) }, tf.scalar(step)),
      });
    },
  };
}
