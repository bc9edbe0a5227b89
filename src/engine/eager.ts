/** Runs a step op by op: on every backend, and as the oracle for anything faster. */
import * as tf from '@tensorflow/tfjs';
import { group } from '../tensors.ts';
import type { Engine, HostTensors, Step, Tensors } from '../types.ts';

/**
 * @param initial the state before the first step; the engine owns and frees these tensors
 * @param constants inputs that stay the same for the whole run, such as a threshold
 */
export function eager(step: Step, initial: Tensors, constants: Record<string, number>): Engine {
  let state = initial;
  const fixed: Tensors = Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, tf.scalar(value)]));
  return {
    call(inputs) {
      let names: string[] = [];
      const next = tf.tidy(() => {
        const result = step(state, { ...fixed, ...toDevice(inputs) });
        names = Object.keys(result.scalars);
        return { state: result.state, packed: tf.stack(Object.values(result.scalars)) };
      });
      const values = next.packed.dataSync();
      const kept = new Set(Object.values(next.state));
      tf.dispose([next.packed, ...Object.values(state).filter((tensor) => !kept.has(tensor))]);
      state = next.state;
      return Object.fromEntries(names.map((name, i) => [name, values[i] ?? Number.NaN]));
    },
    read: (name) => toHost(group(state, name)),
    dispose: () => tf.dispose([state, fixed]),
  };
}

/** Uploads; the caller frees. */
export function toDevice(tensors: HostTensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]),
  );
}

function toHost(tensors: Tensors): HostTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) },
    ]),
  );
}
