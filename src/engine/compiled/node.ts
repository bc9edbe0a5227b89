/** Operations, attributes and functions as TensorFlow stores them. Field numbers are those of its .proto files. */
import { type Attribute, FLOAT, INT32, native } from './binding.ts';
import type { Constant } from './tape.ts';
import { bool, bytes, entry, float, floats, int, ints, message, text } from './wire.ts';

/** attr_value.proto: AttrValue */
export const attribute = {
  text: (value: string) => text(2, value),
  bytes: (value: Buffer) => bytes(2, value),
  int: (value: number) => int(3, value),
  float: (value: number) => float(4, value),
  bool: (value: boolean) => bool(5, value),
  type: (value: number) => int(6, value),
  shape: (value: number[]) => bytes(7, shape(value)),
  anyShape: () => bytes(7, bool(3, true)),
  tensor: (value: Buffer) => bytes(8, value),
  func: (name: string) => bytes(10, text(1, name)),
  types: (values: number[]) => bytes(1, ints(6, values)),
  list: (...fields: Buffer[]) => bytes(1, message(...fields)),
};
export type Attributes = Record<string, Buffer>;

/** tensor_shape.proto: TensorShapeProto; -1 is a size that is known with the call. */
function shape(sizes: number[]): Buffer {
  return message(...sizes.map((size) => bytes(2, int(1, size))));
}

/** node_def.proto: NodeDef. An input that begins with ^ only has to have run before. */
export function node(name: string, op: string, inputs: string[], attributes: Attributes): Buffer {
  const attrs = Object.entries(attributes).map(([key, value]) => entry(5, key, value));
  return message(text(1, name), text(2, op), ...inputs.map((input) => text(3, input)), ...attrs);
}

/** On a function and on its call: it is compiled, or it is an error. */
export const XLA = '_XlaMustCompile';

export interface FunctionParts {
  name: string;
  /** Names and types. */
  arguments: [name: string, dtype: number][];
  results: { name: string; dtype: number; from: string }[];
  nodes: Buffer[];
  stateful: boolean;
  /** Compiled by XLA. */
  fused?: boolean;
}

/** function.proto: FunctionDef, kept from being rewritten by the session (`_tf_data_function`), which would change bits. */
export function functionOf({ name, arguments: args, results, nodes, stateful, fused = false }: FunctionParts): Buffer {
  const argument = (one: string, dtype: number) => message(text(1, one), int(3, dtype));
  const signature = message(
    text(1, name),
    ...args.map(([one, dtype]) => bytes(2, argument(one, dtype))),
    ...results.map((result) => bytes(3, argument(result.name, result.dtype))),
    bool(17, stateful),
  );
  return message(
    bytes(1, signature),
    ...nodes.map((one) => bytes(3, one)),
    ...results.map((result) => bytes(4, message(text(1, result.name), text(2, result.from)))),
    entry(5, '_tf_data_function', attribute.bool(true)),
    entry(5, '_noinline', attribute.bool(true)),
    ...(fused ? [entry(5, XLA, attribute.bool(true))] : []),
  );
}

export function constant(name: string, { dtype, values, shape: sizes }: Constant, after: string[] = []): Buffer {
  const [first = 0] = values;
  const isUniform =
    dtype === FLOAT &&
    values.length > 4 &&
    Number.isFinite(first) &&
    !Object.is(first, -0) &&
    values.every((v) => v === first);
  // tensor.proto: TensorProto; one value stands for all where it is the only one there is.
  const content = isUniform
    ? floats(5, [first])
    : bytes(4, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  const tensor = message(int(1, dtype), bytes(2, shape(sizes)), content);
  return node(name, 'Const', after, { dtype: attribute.type(dtype), value: attribute.tensor(tensor) });
}

/** A scalar or vector of whole numbers. */
export function whole(name: string, value: number | number[], after: string[] = []): Buffer {
  const values = Int32Array.from(Array.isArray(value) ? value : [value]);
  return constant(name, { dtype: INT32, shape: Array.isArray(value) ? [values.length] : [], values }, after);
}

/** An attribute as tfjs gave it to the addon. */
export function recorded({ type, value, name }: Attribute): Buffer {
  const { binding } = native();
  const many = Array.isArray(value) ? value.map(Number) : undefined;
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return attribute.type(Number(value));
    case binding.TF_ATTR_BOOL:
      return many ? attribute.list(ints(5, many)) : attribute.bool(Boolean(value));
    case binding.TF_ATTR_INT:
      return many ? attribute.list(ints(3, many)) : attribute.int(Number(value));
    case binding.TF_ATTR_FLOAT:
      return many ? attribute.list(floats(4, many)) : attribute.float(Number(value));
    case binding.TF_ATTR_STRING:
      return attribute.text(String(value));
    case binding.TF_ATTR_SHAPE:
      return attribute.shape(many ?? []);
    default:
      throw new Error(`attribute "${name}" has type ${type}, which the compiler doesn't know`);
  }
}
