/** What a step asks of the backend: operations, and memory for their results. */
import * as tf from '@tensorflow/tfjs';
import type { Step, Tensors } from '../types.ts';
import type { Footprint } from './variant.ts';

/** Runs the step once, op by op; frees what it is given. */
export async function footprintOf(step: Step, state: Tensors, inputs: Tensors): Promise<Footprint> {
  const { kernels } = await tf.profile(() =>
    tf.tidy(() => {
      step(state, inputs);
      return tf.scalar(0);
    }),
  );
  tf.dispose([state, inputs]);
  const bytes = kernels.reduce((sum, { bytesAdded }) => sum + bytesAdded, 0);
  return { kernels: kernels.length, allocated_mb: bytes / 1e6 };
}
