/** A strategy and an optimizer as one: the gradient is clipped before it, or its update after it. */
import type * as tf from '@tensorflow/tfjs';
import { asScalars, group, join, mapTensors, pick } from '../tensors.ts';
import { onDirection } from '../train/step.ts';
import type { Stage, Transform, Update } from '../types.ts';

/**
 * Options and state of the two stand under `clip` and `optimizer`.
 *
 * @param weight_decay decoupled: the share of the weights that is taken off, times the learning rate
 */
export function beside(clip: Transform, place: Stage, optimizer: Transform, weight_decay = 0): Transform {
  return {
    init: (params) => join({ clip: clip.init(params), optimizer: optimizer.init(params) }),
    update(grads, state, context) {
      const own = (key: string) => ({ ...context, options: asScalars(group(context.options, key)) });
      const clipped = (g: typeof grads) => clip.update(g, group(state, 'clip'), own('clip'));
      const moved = (g: typeof grads) => optimizer.update(g, group(state, 'optimizer'), own('optimizer'));
      const early = place === 'update' ? undefined : clipped(grads);
      const applied = moved(early?.grads ?? grads);
      const late: Update = early ?? onDirection(clip, applied.grads, group(state, 'clip'), own('clip'));
      const share = context.learning_rate.mul(weight_decay);
      const decayed = (u: tf.Tensor, name: string) =>
        weight_decay === 0 ? u : u.sub(pick(context.params, name).mul(share));
      return {
        ...late,
        grads: mapTensors(early === undefined ? late.grads : applied.grads, decayed),
        state: join({ clip: late.state, optimizer: applied.state }),
      };
    },
  };
}
