/** What a step asks of TensorFlow, written down operation by operation. */
import type * as tf from '@tensorflow/tfjs';
import { type Attribute, FLOAT, idOf, typeAttribute, typeOf } from './binding.ts';

/** An operation, with where its inputs come from. */
export interface Node {
  name: string;
  op: string;
  inputs: Ref[];
  attributes: Attribute[];
  /** Of a constant. */
  value?: Constant;
  /**
   * Of a choice: what is done where its first input holds. The inputs after that come out where it doesn't, and the others
   * are what the nodes read.
   */
  chosen?: Side;
}

/** What is done only where something holds. */
export interface Side {
  nodes: Node[];
  outputs: Ref[];
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

/** The operation of a state tensor or an input. */
export const ARGUMENT = '_Arg';
/** The operation of a choice. */
export const CHOICE = 'Choice';

export interface Tape {
  /** All that was written, in the order in which it ran; without what is done in choices only. */
  nodes: Node[];
  argument(name: string, tensor: tf.Tensor): Ref;
  constant(id: number, value: Constant): void;
  operation(op: string, attributes: Attribute[], inputs: number[], made: Made[]): void;
  /** Writes what `f` does apart, and returns it with what it made. */
  aside(f: () => tf.Tensor[]): Side;
  /** `made`: what stands for its outputs from here on. */
  choice(when: number, chosen: Side, otherwise: number[], made: number[]): void;
  /** Where the tensor with this handle came from. @throws Error where it was made elsewhere */
  ref(id: number): Ref;
}

/** A tensor that an operation made: its handle, and what is known of it. */
type Made = Omit<Ref, 'node' | 'index'> & { id: number };

/** Nodes written together, with the tensors they made; what the ones around it made can be used too. */
interface Sheet {
  nodes: Node[];
  refs: Map<number, Ref>;
  /** By what a node does: the same operation on the same inputs is written once. */
  known: Map<string, Node>;
}

const newSheet = (): Sheet => ({ nodes: [], refs: new Map(), known: new Map() });

export function newTape(): Tape {
  let count = 0;
  const first = newSheet();
  /** The innermost is the last. */
  const sheets = [first];
  const current = () => sheets[sheets.length - 1] ?? first;
  const write = (node: Omit<Node, 'name'>, made: Made[], { nodes, refs, known } = current()) => {
    const key = words(node, new Map());
    const found = sheets.findLast(({ known }) => known.has(key))?.known.get(key);
    const written = found ?? { name: `n${count++}`, ...node };
    if (found === undefined) {
      nodes.push(written);
      known.set(key, written);
    }
    for (const [index, { id, dtype, shape }] of made.entries()) refs.set(id, { node: written, index, dtype, shape });
  };
  const ref = (id: number): Ref => {
    const found = sheets.findLast(({ refs }) => refs.has(id))?.refs.get(id);
    if (found !== undefined) return found;
    throw new Error('the step uses a tensor that was made outside of it; pass it in the state or the inputs');
  };
  return {
    nodes: first.nodes,
    argument(name, tensor) {
      const node = { name, op: ARGUMENT, inputs: [], attributes: [] };
      const dtype = typeOf(tensor);
      if (dtype !== FLOAT) throw new Error(`${name} is ${tensor.dtype}; what is held and fed is float32`);
      const ref = { node, index: 0, dtype, shape: tensor.shape };
      first.refs.set(idOf(tensor), ref);
      return ref;
    },
    // A constant that is first used in a choice may have been made before it, and be used after it.
    constant: (id, value) => write({ op: 'Const', inputs: [], attributes: [], value }, [{ id, ...value }], first),
    operation(op, attributes, ids, made) {
      const inputs = ids.map(ref);
      // tfjs leaves these out, and TensorFlow infers them as long as it runs op by op.
      const implied =
        op === 'ExpandDims' ? inputs.map(({ dtype }, i) => typeAttribute(i === 0 ? 'T' : 'Tdim', dtype)) : [];
      write({ op, inputs, attributes: [...attributes, ...implied] }, made);
    },
    aside(f) {
      const sheet = newSheet();
      sheets.push(sheet);
      try {
        const outputs = f().map((tensor) => ref(idOf(tensor)));
        return { nodes: needed(sheet.nodes, outputs), outputs };
      } finally {
        sheets.pop();
      }
    },
    choice(when, chosen, otherwise, made) {
      const no = otherwise.map(ref);
      for (const [i, yes] of chosen.outputs.entries()) {
        if (no[i]?.dtype === yes.dtype && no[i]?.shape.join() === yes.shape.join()) continue;
        throw new Error(`the sides of a choice are different tensors: [${yes.shape}] and [${no[i]?.shape ?? 'none'}]`);
      }
      const outputs = no.flatMap(({ dtype, shape }, i) => made.slice(i, i + 1).map((id) => ({ id, dtype, shape })));
      write({ op: CHOICE, inputs: [ref(when), ...no, ...readBy(chosen)], attributes: [], chosen }, outputs);
    },
    ref,
  };
}

/** The nodes that results depend on; dead ends are left out. */
export function needed(nodes: Node[], results: Ref[]): Node[] {
  const live = new Set<Node>();
  const open = results.map(({ node }) => node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (live.has(node)) continue;
    live.add(node);
    open.push(...node.inputs.map((ref) => ref.node));
  }
  return nodes.filter((node) => live.has(node));
}

/** What a side uses and doesn't make, each once. */
function readBy({ nodes, outputs }: Side): Ref[] {
  const made = new Set(nodes);
  const used = [...nodes.flatMap(({ inputs }) => inputs), ...outputs];
  return [...new Map(used.filter(({ node }) => !made.has(node)).map((one) => [nameOf(one), one])).values()];
}

/** Of a tensor, in a recording. */
export const nameOf = ({ node, index }: Ref) => `${node.name}:${index}`;

/** What a recording does, in words: equal for equal recordings. */
export function wordsOf(nodes: Node[]): string {
  return nodes.map((node) => words(node, new Map())).join('\n');
}

/** What a node does, whatever it is called; `local` has the names of what stands in the same side of a choice. */
function words({ op, inputs, attributes, value, chosen }: Omit<Node, 'name'>, local: Map<Node, string>): string {
  if (value !== undefined) return `${op} ${value.dtype} [${value.shape}] ${bytesOf(value).toString('latin1')}`;
  const name = ({ node, index }: Ref, names: Map<Node, string>) => `${names.get(node) ?? node.name}:${index}`;
  const names = new Map([
    ...local,
    ...(chosen?.nodes ?? []).map((node, i): [Node, string] => [node, `${local.size + i}`]),
  ]);
  const inside = (chosen?.nodes ?? []).map((node) => words(node, names));
  const results = (chosen?.outputs ?? []).map((ref) => name(ref, names));
  return [op, JSON.stringify(attributes), ...inputs.map((ref) => name(ref, local)), ...inside, ...results].join(' ');
}

function bytesOf({ values }: Constant): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
