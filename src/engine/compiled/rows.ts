/** Steps as recordings and back: their scalars come out of a session as one list of numbers. */
import * as tf from '@tensorflow/tfjs';
import type { HostTensors, Step } from '../../types.ts';
import { labelled } from '../eager.ts';
import type { Recordable } from './record.ts';
import type { Session } from './session.ts';

export function recordable(step: Step): Recordable {
  return (held, inputs) => {
    const { state, scalars } = step(held, inputs);
    return { held: state, output: tf.stack(Object.values(scalars)), labels: Object.keys(scalars) };
  };
}

/** The scalars of each step. */
export function callSteps({ call, labels }: Session, steps: HostTensors[]): Record<string, number>[] {
  const values = call(steps);
  return steps.map((_, t) => labelled(labels, values.subarray(t * labels.length)));
}
