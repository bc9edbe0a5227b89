/** Anyone's own training step as one TensorFlow graph, on the stock tfjs-node addon. */
import * as tf from '@tensorflow/tfjs';
import type { HostTensors, Step, Tensors } from '../types.ts';
import { record } from './compiled/record.ts';
import { openSession } from './compiled/session.ts';
import { toHost } from './eager.ts';

export interface CompiledStep {
  /** One step; returns its scalars. Inputs have the names and shapes of the example. */
  call(inputs: HostTensors): Record<string, number>;
  /** Copies the state out. */
  read(): HostTensors;
  /** Replaces the state. */
  write(state: HostTensors): void;
  /** Frees the graph and its state. */
  dispose(): void;
}

/**
 * Runs `step` twice to record what it does (its state isn't changed), and compiles that. `state` and `inputs` are examples:
 * their shapes are those of every call, and `state` is the first state. Both stay the caller's.
 * The README has a complete example.
 *
 * @throws Error naming what can't be replayed: values that are read, tensors from outside, random numbers
 */
export function compileStep(step: Step, state: Tensors, inputs: Tensors): CompiledStep {
  const recording = record(
    (held, fed) => {
      const next = step(held, fed);
      return { held: next.state, output: tf.stack(Object.values(next.scalars)), labels: Object.keys(next.scalars) };
    },
    state,
    inputs,
  );
  const session = openSession(recording);
  session.write(toHost(state));
  return {
    call(fed) {
      const values = session.call(fed);
      return Object.fromEntries(session.labels.map((name, i) => [name, values[i] ?? Number.NaN]));
    },
    read: () => session.read(() => true),
    write: session.write,
    dispose: session.dispose,
  };
}
