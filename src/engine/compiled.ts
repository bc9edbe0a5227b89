/**
 * Runs a function as one call of TensorFlow: recorded once as a graph, then replayed. Same bits as the eager engine with
 * `numerics: repro`, and many times faster, since TensorFlow is asked once and not for every operation. Native only.
 */
import * as tf from '@tensorflow/tfjs';
import { group, join } from '../tensors.ts';
import type { Application, Cell, Engine, HostTensors, Step, Tensors, Training } from '../types.ts';
import { isSmall, openFused } from './compiled/fused.ts';
import { type Recordable, type Recording, record } from './compiled/record.ts';
import { callSteps, recordable } from './compiled/rows.ts';
import { openSession, type Session, sweepFolders } from './compiled/session.ts';
import { eager, scalars, toDevice, toHost } from './eager.ts';

/** Gives the session for a function, given an example of everything it reads; `steps` if it is for several in a call. */
type Compile = (key: string, f: Recordable, held: Tensors, inputs: Tensors, steps?: number) => Session;

/** Sessions kept: a matrix may have more structures than fit into memory. A run uses two. */
const KEPT = 32;

/**
 * An engine that keeps what it compiles: functions under one key, on tensors of the same shapes, are compiled once,
 * whatever their thresholds, rates and seeds. One run under a key at a time.
 *
 * @param numerics with `fast`, oneDNN is slow in loops: steps are called one by one, but for small ones, which XLA compiles
 * @param onFallback told once for each key whose function can't be recorded, and runs eagerly
 */
export function compiledEngine(numerics: Cell['numerics'], onFallback: (reason: string) => void): Engine {
  sweepFolders();
  const sessions = new Map<string, Session>();
  const refused = new Set<string>();
  const open = (recording: Recording, held: Tensors, inputs: Tensors, steps?: number): Session => {
    const loop = steps !== undefined;
    if (numerics === 'repro' || !loop || !isSmall(recording)) {
      return openSession(recording, { loop: loop && numerics === 'repro', fused: false });
    }
    return openFused(recording, toHost(held), Array<HostTensors>(steps).fill(toHost(inputs)));
  };
  const compile: Compile = (key, f, held, inputs, steps) => {
    const shapes = [held, inputs].map((tensors) => Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
    const full = JSON.stringify([key, shapes]);
    const session = sessions.get(full) ?? open(record(f, held, inputs), held, inputs, steps);
    // The latest used is the last.
    sessions.delete(full);
    sessions.set(full, session);
    const [oldest] = sessions;
    if (sessions.size > KEPT && oldest !== undefined) {
      oldest[1].dispose();
      sessions.delete(oldest[0]);
    }
    return session;
  };
  /** The first call shows whether a function can be compiled. */
  const orElse = <T>(key: string, attempt: () => T, instead: () => T): T => {
    if (refused.has(key)) return instead();
    try {
      return attempt();
    } catch (error) {
      refused.add(key);
      onFallback(error instanceof Error ? error.message : String(error));
      return instead();
    }
  };
  return {
    name: 'compiled',
    train: (key, step, initial, constants) => train(compile, orElse, { key, step, initial, constants }),
    apply: (key, f, held) => apply(compile, orElse, { key, f, held }),
    dispose() {
      for (const session of sessions.values()) session.dispose();
      sessions.clear();
    },
  };
}

type OrElse = <T>(key: string, attempt: () => T, instead: () => T) => T;

interface Trained {
  key: string;
  step: Step;
  initial: Tensors;
  constants: Record<string, number>;
}

function train(compile: Compile, orElse: OrElse, { key, step, initial, constants }: Trained): Training {
  // Constants are kept beside the state: fed once, and not with every call.
  const f = recordable((held, inputs) => {
    const constant = group(held, 'constant');
    const { state, scalars } = step(group(held, 'state'), { ...constant, ...inputs });
    return { state: join({ state, constant }), scalars };
  });
  const compiled = (inputs: HostTensors, steps: number): Training => {
    const fed = toDevice(inputs);
    const fixed = scalars(constants);
    const first: Tensors = join({ state: initial, constant: fixed });
    try {
      const session = compile(key, f, first, fed, steps);
      session.write(toHost(first));
      tf.dispose(initial);
      return {
        call: (steps) => callSteps(session, steps),
        read: (name) =>
          group(
            session.read((held) => held.startsWith(`state.${name}.`)),
            `state.${name}`,
          ),
        dispose() {}, // the session is kept for the next run
      };
    } finally {
      tf.dispose([fed, fixed]);
    }
  };
  // Shapes of the inputs are known with the first call.
  let run: Training | undefined;
  return {
    call(steps) {
      const [inputs] = steps;
      if (inputs === undefined) return [];
      run ??= orElse(
        key,
        () => compiled(inputs, steps.length),
        () => eager.train(key, step, initial, constants),
      );
      return run.call(steps);
    },
    read: (name) => (run === undefined ? toHost(group(initial, name)) : run.read(name)),
    dispose() {
      if (run === undefined) tf.dispose(initial);
      else run.dispose();
    },
  };
}

interface Applied {
  key: string;
  f: (held: Tensors, inputs: Tensors) => tf.Tensor;
  held: HostTensors;
}

function apply(compile: Compile, orElse: OrElse, { key, f, held }: Applied): Application {
  const unchanged: Recordable = (tensors, inputs) => ({ held: tensors, output: f(tensors, inputs), labels: [] });
  const compiled = (inputs: HostTensors): Application => {
    const [device, fed] = [toDevice(held), toDevice(inputs)];
    try {
      const session = compile(key, unchanged, device, fed);
      session.write(held);
      return { call: (one) => session.call([one]), dispose() {} };
    } finally {
      tf.dispose([device, fed]);
    }
  };
  let application: Application | undefined;
  return {
    call(inputs) {
      application ??= orElse(
        key,
        () => compiled(inputs),
        () => eager.apply(key, f, held),
      );
      return application.call(inputs);
    },
    dispose: () => application?.dispose(),
  };
}
