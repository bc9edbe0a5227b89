/** A strategy and an optimizer as one: the gradient is clipped before it, or its update after it. */
import type * as tf from '@tensorflow/tfjs';
import { asScalars, group, join, mapTensors, pick } from '../tensors.ts';
import { onDirection } from '../train/step.ts';
import type { Stage, Transform, Update } from '../types.ts';
import type { Decay } from './spec.ts';

/**
 * Options and state of the two stand under `clip` and `optimizer`.
 *
 * @param decay the share of the weights that is taken off, times the learning rate; coupled (l2), it goes through the optimizer
 */
export function beside(clip: Transform, place: Stage, optimizer: Transform, decay: Decay = { share: 0 }): Transform {
  return {
    init: (params) => join({ clip: clip.init(params), optimizer: optimizer.init(params) }),
    update(grads, state, context) {
      const own = (key: string) => ({ ...context, options: asScalars(group(context.options, key)) });
      const clipped = (g: typeof grads) => clip.update(g, group(state, 'clip'), own('clip'));
      const moved = (g: typeof grads) => optimizer.update(g, group(state, 'optimizer'), own('optimizer'));
      const early = place === 'update' ? undefined : clipped(grads);
      const given = early?.grads ?? grads;
      const penalized = (g: tf.Tensor, name: string) => g.add(pick(context.params, name).mul(decay.share));
      const applied = moved(decay.isCoupled ? mapTensors(given, penalized) : given);
      const late: Update = early ?? onDirection(clip, applied.grads, group(state, 'clip'), own('clip'));
      const share = context.learning_rate.mul(decay.share);
      const decayed = (u: tf.Tensor, name: string) =>
        decay.share === 0 || decay.isCoupled ? u : u.sub(pick(context.params, name).mul(share));
      return {
        ...late,
        grads: mapTensors(early === undefined ? late.grads : applied.grads, decayed),
        state: join({ clip: late.state, optimizer: applied.state }),
      };
    },
  };
}
