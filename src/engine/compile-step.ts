/** Anyone's own training step as one TensorFlow graph, on the stock tfjs-node addon. */
import type { HostTensors, Step, Tensors } from '../types.ts';
import { record } from './compiled/record.ts';
import { callSteps, recordable } from './compiled/rows.ts';
import { openSession } from './compiled/session.ts';
import { toHost } from './eager.ts';

export interface CompiledStep {
  /**
   * Steps in a row, one for each of the inputs, which have the names and shapes of the example; the scalars of each. When
   * that fails, the state is lost: write it anew.
   */
  call(steps: HostTensors[]): Record<string, number>[];
  /** Copies the state out. */
  read(): HostTensors;
  /** Replaces the state. */
  write(state: HostTensors): void;
  /** Frees the graph and its state. */
  dispose(): void;
}

export interface CompileOptions {
  /** Examples of the inputs: their names and shapes are those of every call. They stay the caller's. */
  inputs: Tensors;
  /**
   * Steps given in one call are done in one call of TensorFlow: up to twice as fast for small steps. They have the bits of
   * single steps where oneDNN is off (TF_ENABLE_ONEDNN_OPTS=0); with it, they may be slower, too.
   */
  loop?: boolean;
  /**
   * XLA makes one piece of code of the step: several times as fast for small ones, slower for large products. Not the bits of
   * the eager step. Refused with the first call where XLA lacks an operation.
   */
  fused?: boolean;
}

/**
 * Runs `step` twice to record what it does (`state` isn't changed, and stays the caller's), and compiles that; `state` is the
 * first state. The README has a complete example.
 *
 * @throws Error naming what can't be replayed: values that are read, tensors from outside, random numbers
 */
export function compileStep(
  step: Step,
  state: Tensors,
  { inputs, loop = false, fused = false }: CompileOptions,
): CompiledStep {
  const session = openSession(record(recordable(step), state, inputs), { loop, fused });
  try {
    session.write(toHost(state));
  } catch (error) {
    session.dispose();
    throw error;
  }
  return {
    call: (steps) => callSteps(session, steps),
    read: () => session.read(() => true),
    write: session.write,
    dispose: session.dispose,
  };
}
