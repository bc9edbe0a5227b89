/** Strategies inside back-propagation: they act on gradients as these pass the sites of a model. */
import * as tf from '@tensorflow/tfjs';
import { asScalars, mapTensors, pick } from '../tensors.ts';
import type { ModelContext, Tensors, Transform, UpdateContext } from '../types.ts';

interface Passage {
  at: NonNullable<ModelContext['backward']>;
  /** When all gradients have passed: the share that was clipped of all of them, and of others the largest. */
  report(): Record<string, tf.Scalar>;
}

/** The strategy sees one gradient at a time, and can't remember any. */
export function passage(strategy: Transform, state: Tensors, context: UpdateContext): Passage {
  const seen: { info: Tensors; size: number }[] = [];
  return {
    at(site, dy) {
      const { grads, info = {} } = strategy.update({ [site]: dy }, state, context);
      // What is made in here is freed when the gradient is done, unless kept.
      seen.push({ info: mapTensors(info, (scalar) => tf.keep(scalar.clone())), size: dy.size });
      return pick(grads, site);
    },
    report() {
      const total = seen.reduce((sum, { size }) => sum + size, 0);
      const report = mapTensors(seen[0]?.info ?? {}, (_, name) => {
        if (name !== 'clipped_fraction') return tf.stack(seen.map(({ info }) => pick(info, name))).max();
        return tf.addN(seen.map(({ info, size }) => pick(info, name).mul(size / total)));
      });
      tf.dispose(seen.map(({ info }) => info));
      return asScalars(report);
    },
  };
}
