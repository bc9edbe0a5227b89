/** Runs functions op by op: on every backend, and as the oracle for anything faster. */
import * as tf from '@tensorflow/tfjs';
import { group } from '../tensors.ts';
import type { Engine, HostTensors, Tensors } from '../types.ts';

export const eager: Engine = {
  name: 'eager',
  train(_key, step, initial, constants) {
    let state = initial;
    const fixed = scalars(constants);
    const once = (inputs: HostTensors) => {
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
      return labelled(names, values);
    };
    return {
      call: (steps) => steps.map(once),
      read: (name) => toHost(group(state, name)),
      dispose: () => tf.dispose([state, fixed]),
    };
  },
  apply(_key, f, held) {
    const device = toDevice(held);
    return {
      call: (inputs) => tf.tidy(() => Float32Array.from(f(device, toDevice(inputs)).dataSync())),
      dispose: () => tf.dispose(device),
    };
  },
  dispose() {}, // nothing is kept
};

/** Numbers by name. */
export function labelled(names: string[], values: ArrayLike<number>): Record<string, number> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? Number.NaN]));
}

/** Uploads; the caller frees. */
export function toDevice(tensors: HostTensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]),
  );
}

export function scalars(values: Record<string, number>): Tensors {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.scalar(value)]));
}

/** Copies out. */
export function toHost(tensors: Tensors): HostTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) },
    ]),
  );
}
