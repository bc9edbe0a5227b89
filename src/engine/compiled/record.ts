/**
 * Runs a step once and writes down every operation that it asks of TensorFlow: the tape. tfjs-node sends them all
 * through one function of its addon, which is replaced for that one run.
 */
import * as tf from '@tensorflow/tfjs';
import type { Tensors } from '../../types.ts';
import { type Attribute, type Binding, FLOAT, idOf, native } from './binding.ts';

/** An operation, with where its inputs come from. */
export interface Node {
  name: string;
  op: string;
  inputs: Ref[];
  attributes: Attribute[];
  /** Of a constant. */
  value?: Constant;
}

export interface Constant {
  shape: number[];
  dtype: number;
  values: Float32Array | Int32Array | Uint8Array;
}

/** One output of a node. */
export interface Ref {
  node: Node;
  index: number;
  dtype: number;
  shape: number[];
}

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

/** The operation of a state tensor or an input. */
export const ARGUMENT = '_Arg';

/**
 * @throws Error naming the culprit when the step can't be replayed: it reads values, uses tensors from elsewhere, draws
 * random numbers, or isn't the same twice
 */
export function record(f: Recordable, held: Tensors, inputs: Tensors): Recording {
  const first = recordOnce(f, held, inputs);
  refuseRandomConstants(first);
  const second = recordOnce(f, held, inputs);
  if (signature(first) !== signature(second)) {
    throw new Error(
      'two recordings of the step differ: it draws random numbers, counts on the host, or looks at values',
    );
  }
  return first;
}

function recordOnce(f: Recordable, held: Tensors, inputs: Tensors): Recording {
  const tape = newTape();
  const before = Object.entries(held).map(([name, tensor]) => ({ name, before: tape.argument(tensor) }));
  const fed = Object.entries(inputs).map(([name, tensor]) => ({ name, ref: tape.argument(tensor) }));
  const restore = listen(tape);
  let recording: Recording | undefined;
  try {
    tf.tidy(() => {
      const result = f(held, inputs);
      const after = before.map(({ name, before }) => {
        const ref = tape.ref(idOf(mustHave(result.held, name)));
        if (ref.dtype === before.dtype && ref.shape.join() === before.shape.join()) return { name, before, after: ref };
        throw new Error(`the step changes shape or type of "${name}": [${before.shape}] to [${ref.shape}]`);
      });
      const output = tape.ref(idOf(result.output));
      if (output.dtype !== FLOAT) throw new Error('the output of the step is not float32');
      const nodes = needed(tape.nodes, [...after.map((one) => one.after), output]);
      recording = { held: after, inputs: fed, output, labels: result.labels, nodes };
    });
  } finally {
    restore();
  }
  if (recording === undefined) throw new Error('the step was not run');
  return recording;
}

function mustHave(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`the step returns no "${name}"`);
  return tensor;
}

interface Tape {
  nodes: Node[];
  refs: Map<number, Ref>;
  argument(tensor: tf.Tensor): Ref;
  constant(id: number, value: Constant): void;
  /** Where the tensor with this handle came from. */
  ref(id: number): Ref;
}

function newTape(): Tape {
  const nodes: Node[] = [];
  const refs = new Map<number, Ref>();
  const add = (node: Node) => {
    nodes.push(node);
    return node;
  };
  return {
    nodes,
    refs,
    argument(tensor) {
      const { binding } = native();
      const dtype = { float32: binding.TF_FLOAT, int32: binding.TF_INT32, bool: binding.TF_BOOL }[String(tensor.dtype)];
      if (dtype === undefined)
        throw new Error(`a tensor of type ${tensor.dtype} can be neither state nor input of a step`);
      const ref = {
        node: { name: '', op: ARGUMENT, inputs: [], attributes: [] },
        index: 0,
        dtype,
        shape: tensor.shape,
      };
      refs.set(idOf(tensor), ref);
      return ref;
    },
    constant(id, value) {
      const node = add({ name: `c${nodes.length}`, op: 'Const', inputs: [], attributes: [], value });
      refs.set(id, { node, index: 0, dtype: value.dtype, shape: value.shape });
    },
    ref(id) {
      const ref = refs.get(id);
      if (ref !== undefined) return ref;
      throw new Error('the step uses a tensor that was made outside of it; pass it in the state or the inputs');
    },
  };
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
        const inputs = ids.map(tape.ref);
        const made = binding.executeOp(op, attributes, ids, outputs);
        const node: Node = { name: `n${tape.nodes.length}`, op, inputs, attributes };
        tape.nodes.push(node);
        made.forEach(({ id, dtype, shape }, index) => {
          tape.refs.set(id, { node, index, dtype, shape });
        });
        return made;
      },
    },
    tensorDataSync: {
      value(id: number) {
        const source = tape.refs.get(id)?.node.op;
        // Some kernels look at constants of their own, such as indices.
        if (source === 'Const') return binding.tensorDataSync(id);
        throw new Error(
          `the step reads the values of a tensor (made by ${source ?? 'something outside'}); use tf.where`,
        );
      },
    },
  });
  Reflect.set(backend, 'binding', listening);
  return () => Reflect.set(backend, 'binding', binding);
}

/** Dead ends are left out. */
function needed(nodes: Node[], results: Ref[]): Node[] {
  const live = new Set<Node>();
  const open = results.map(({ node }) => node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (live.has(node)) continue;
    live.add(node);
    open.push(...node.inputs.map((ref) => ref.node));
  }
  return nodes.filter((node) => live.has(node));
}

/** tfjs draws on the host: what comes out looks like a constant, and would stay the same for ever. */
const LARGEST_TABLE = 16;

function refuseRandomConstants({ nodes }: Recording): void {
  for (const { value } of nodes) {
    if (value === undefined || value.dtype !== FLOAT || value.values.length <= LARGEST_TABLE) continue;
    if (value.values.every((entry) => entry === value.values[0])) continue;
    throw new Error(
      `the step makes a tensor [${value.shape}] of different numbers, which may be random; pass it in the inputs`,
    );
  }
}

function signature({ nodes }: Recording): string {
  return nodes.map(({ op, value }) => (value === undefined ? op : `${op} ${value.shape} ${value.values}`)).join('\n');
}
