/**
 * Runs a step once and writes down every operation that it asks of TensorFlow: the tape. tfjs-node sends them all
 * through one function of its addon, which is replaced for that one run.
 */
import * as tf from '@tensorflow/tfjs';
import { choosing, type LazyWhere } from '../../lazy.ts';
import { mapTensors } from '../../tensors.ts';
import type { Tensors } from '../../types.ts';
import { type Attribute, type Binding, FLOAT, identity, idOf, native } from './binding.ts';
import { type Constant, type Node, needed, newTape, type Ref, type Tape, wordsOf } from './tape.ts';

/** A pure function of what is held between calls and of inputs. `labels` say what the numbers of the output are. */
export type Recordable = (held: Tensors, inputs: Tensors) => { held: Tensors; output: tf.Tensor; labels: string[] };

export interface Recording {
  /** By name, before and after a call. */
  held: { name: string; before: Ref; after: Ref }[];
  inputs: { name: string; ref: Ref }[];
  output: Ref;
  labels: string[];
  /** What is held after, and the output, depend on, in the order in which it ran. */
  nodes: Node[];
}

/**
 * @throws Error naming the culprit when the step can't be replayed: it reads values, uses tensors from elsewhere, draws
 * random numbers, or isn't the same twice
 */
export function record(f: Recordable, held: Tensors, inputs: Tensors): Recording {
  const first = recordOnce(f, held, inputs);
  refuseRandomConstants(first.nodes);
  const second = recordOnce(f, held, inputs);
  if (wordsOf(first.nodes) !== wordsOf(second.nodes)) {
    throw new Error(
      'two recordings of the step differ: it draws random numbers, counts on the host, or looks at values',
    );
  }
  return first;
}

function recordOnce(f: Recordable, given: Tensors, fed: Tensors): Recording {
  const tape = newTape();
  let recording: Recording | undefined;
  tf.tidy(() => {
    // Handles of their own: two variables may begin as the same tensor.
    const [held, inputs] = [mapTensors(given, identity), mapTensors(fed, identity)];
    const before = Object.entries(held).map(([name, tensor]) => ({ name, ref: tape.argument(`held ${name}`, tensor) }));
    const read = Object.entries(inputs).map(([name, tensor]) => ({
      name,
      ref: tape.argument(`input ${name}`, tensor),
    }));
    const restore = listen(tape);
    try {
      const result = choosing(hearing(tape), () => f(held, inputs));
      const after = before.map(({ name, ref }) => {
        const next = tape.ref(idOf(mustHave(result.held, name)));
        if (next.dtype === ref.dtype && next.shape.join() === ref.shape.join())
          return { name, before: ref, after: next };
        throw new Error(`the step changes shape or type of "${name}": [${ref.shape}] to [${next.shape}]`);
      });
      const output = tape.ref(idOf(result.output));
      if (output.dtype !== FLOAT) throw new Error('the output of the step is not float32');
      const nodes = needed(tape.nodes, [...after.map((one) => one.after), output]);
      recording = { held: after, inputs: read, output, labels: result.labels, nodes };
    } finally {
      restore();
    }
  });
  if (recording === undefined) throw new Error('the step was not run');
  return recording;
}

function mustHave(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`the step returns no "${name}"`);
  return tensor;
}

/** Replayed, such an operation would go on where it stands, not where the step says. */
const drawing = /^(Multinomial|Random|TruncatedNormal|ParameterizedTruncatedNormal)/;

/** Puts the tape between tfjs and the addon; returns what takes it away again. */
function listen(tape: Tape): () => void {
  const backend = native();
  const { binding } = backend;
  const listening: Binding = Object.create(binding, {
    createTensor: {
      value(shape: number[], dtype: number, values: Constant['values']) {
        const id = binding.createTensor(shape, dtype, values);
        tape.constant(id, { shape: [...shape], dtype, values: values.slice() });
        return id;
      },
    },
    executeOp: {
      value(op: string, attributes: Attribute[], ids: number[], outputs: number) {
        if (drawing.test(op))
          throw new Error(`the step draws random numbers (${op}); feed them, or key them by the step`);
        ids.forEach(tape.ref); // refuses before it computes
        const made = binding.executeOp(op, attributes, ids, outputs);
        tape.operation(op, attributes, ids, made);
        return made;
      },
    },
    tensorDataSync: {
      value(id: number) {
        const source = tape.ref(id).node.op;
        // Some kernels look at constants of their own, such as indices.
        if (source === 'Const') return binding.tensorDataSync(id);
        throw new Error(`the step reads the values of a tensor (made by ${source}); use tf.where`);
      },
    },
  });
  Reflect.set(backend, 'binding', listening);
  return () => Reflect.set(backend, 'binding', binding);
}

/** What might be chosen runs, and is written down. */
function hearing(tape: Tape): LazyWhere {
  return (when, yes, no) => {
    let chosen: tf.Tensor[] = [];
    const side = tape.aside(() => {
      // Handles of their own, since a side may return what was there before.
      chosen = yes().map(identity);
      return chosen;
    });
    tape.choice(idOf(when), side, no.map(idOf), chosen.map(idOf));
    return chosen;
  };
}

/** tfjs draws on the host: what comes out looks like a constant, and would stay the same for ever. */
const LARGEST_TABLE = 16;

function refuseRandomConstants(nodes: Node[]): void {
  for (const { value, chosen } of nodes) {
    refuseRandomConstants(chosen?.nodes ?? []);
    if (value === undefined || value.dtype !== FLOAT || value.values.length <= LARGEST_TABLE) continue;
    if (value.values.every((entry) => entry === value.values[0])) continue;
    throw new Error(
      `the step makes a tensor [${value.shape}] of different numbers, which may be random; pass it in the inputs`,
    );
  }
}
