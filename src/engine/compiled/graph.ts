/**
 * From a recording to a SavedModel: one function that reads what is held, runs the recorded operations, assigns what
 * is held next and returns the output, and a session graph that calls it. Field numbers are those of TensorFlow's .proto files.
 */
import { type Attribute, FLOAT, INT32, native } from './binding.ts';
import { outputName } from './outputs.ts';
import { ARGUMENT, type Constant, type Node, type Recording, type Ref } from './record.ts';
import { bool, bytes, entry, float, floats, int, ints, message, text } from './wire.ts';

export interface Names {
  /** Where a call's inputs are fed, in order, and where its output comes out. */
  feeds: string[];
  output: string;
  /** Where new values of what is held are fed, what sets them, and where they come out. */
  initials: string[];
  initialize: string;
  held: string[];
}

/** attr_value.proto: AttrValue */
const attribute = {
  text: (value: string) => text(2, value),
  bytes: (value: Buffer) => bytes(2, value),
  int: (value: number) => int(3, value),
  float: (value: number) => float(4, value),
  bool: (value: boolean) => bool(5, value),
  type: (value: number) => int(6, value),
  shape: (value: number[]) => bytes(7, shape(value)),
  tensor: (value: Buffer) => bytes(8, value),
  func: (name: string) => bytes(10, text(1, name)),
  types: (values: number[]) => bytes(1, ints(6, values)),
  list: (...fields: Buffer[]) => bytes(1, message(...fields)),
};
type Attributes = Record<string, Buffer>;

/** tensor_shape.proto: TensorShapeProto */
function shape(sizes: number[]): Buffer {
  return message(...sizes.map((size) => bytes(2, int(1, size))));
}

/** node_def.proto: NodeDef. An input that begins with ^ only has to have run before. */
function node(name: string, op: string, inputs: string[], attributes: Attributes): Buffer {
  const attrs = Object.entries(attributes).map(([key, value]) => entry(5, key, value));
  return message(text(1, name), text(2, op), ...inputs.map((input) => text(3, input)), ...attrs);
}

/** ConfigProto { graph_options { rewrite_options { disable_meta_optimizer: true } } }: Grappler would change the bits. */
const withoutGrappler = bytes(10, bytes(10, bool(19, true)));

const STEP = 'step';

export function savedModel(recording: Recording): { model: Buffer; names: Names } {
  const { held, inputs } = recording;
  const feeds = inputs.map((_, i) => `x${i}`);
  const types = inputs.map(({ ref }) => ref.dtype);
  const placeholders = inputs.map(({ ref }, i) => placeholder(`x${i}`, ref));
  const call = node('call', 'StatefulPartitionedCall', feeds, {
    Tin: attribute.types(types),
    Tout: attribute.types([FLOAT]),
    f: attribute.func(STEP),
    config: attribute.text(''),
    config_proto: attribute.bytes(withoutGrappler),
    // For graphs of many small operations the fastest, and one order of all of them.
    executor_type: attribute.text('SINGLE_THREADED_EXECUTOR'),
  });
  const variables = held.flatMap(({ before }, i) => [
    variable(i, before),
    placeholder(`new${i}`, before),
    // A tensor may share the memory of a JavaScript array: the state gets its own.
    node(`copy${i}`, 'DeepCopy', [`new${i}`], { T: attribute.type(before.dtype) }),
    node(`set${i}`, 'AssignVariableOp', [`v${i}`, `copy${i}`], { dtype: attribute.type(before.dtype) }),
    node(`get${i}`, 'ReadVariableOp', [`v${i}`], { dtype: attribute.type(before.dtype) }),
  ]);
  const initialize = constantNode(
    'initialized',
    { shape: [], dtype: INT32, values: new Int32Array(1) },
    held.map((_, i) => `^set${i}`),
  );
  const nodes = [...placeholders, call, ...variables, initialize];
  // graph.proto: GraphDef; 1087 is a version of the producer that TensorFlow 2.13 and later accept.
  const graph = message(
    ...nodes.map((one) => bytes(1, one)),
    bytes(4, int(1, 1087)),
    bytes(2, bytes(1, stepFunction(recording))),
  );
  // meta_graph.proto, saved_model.proto
  const model = message(int(1, 1), bytes(2, message(bytes(1, text(4, 'serve')), bytes(2, graph))));
  const numbered = (name: string) => held.map((_, i) => `${name}${i}`);
  return {
    model,
    names: { feeds, output: 'call', initials: numbered('new'), initialize: 'initialized', held: numbered('get') },
  };
}

function placeholder(name: string, ref: Ref): Buffer {
  return node(name, 'Placeholder', [], { dtype: attribute.type(ref.dtype), shape: attribute.shape(ref.shape) });
}

/** The same handle wherever it stands: variables are shared by name. */
function variable(i: number, ref: Ref): Buffer {
  return node(`v${i}`, 'VarHandleOp', [], {
    dtype: attribute.type(ref.dtype),
    shape: attribute.shape(ref.shape),
    shared_name: attribute.text(`v${i}`),
    container: attribute.text(''),
  });
}

/** function.proto: FunctionDef */
function stepFunction({ held, inputs, output, nodes }: Recording): Buffer {
  const places = new Map<Node, string>();
  for (const [i, { before }] of held.entries()) places.set(before.node, `read${i}:value:0`);
  for (const [i, { ref }] of inputs.entries()) places.set(ref.node, `x${i}`);
  const place = ({ node, index }: Ref) => places.get(node) ?? `${node.name}:${outputName(node.op, index)}`;

  const reads = held.flatMap(({ before }, i) => [
    variable(i, before),
    node(`read${i}`, 'ReadVariableOp', [`v${i}:resource:0`], { dtype: attribute.type(before.dtype) }),
  ]);
  const body = nodes
    .filter(({ op }) => op !== ARGUMENT)
    .map(({ name, op, inputs, attributes, value }) =>
      value === undefined
        ? node(name, op, inputs.map(place), Object.fromEntries(attributes.map((one) => [one.name, recorded(one)])))
        : constantNode(name, value, []),
    );
  // No state is assigned before all of it has been read: otherwise a step would see a part of the next.
  const afterReads = held.map((_, i) => `^read${i}`);
  const changed = [...held.entries()].filter(([, { before, after }]) => before.node !== after.node);
  const assigns = changed.map(([i, { after }]) =>
    node(`assign${i}`, 'AssignVariableOp', [`v${i}:resource:0`, place(after), ...afterReads], {
      dtype: attribute.type(after.dtype),
    }),
  );
  // No result comes out before all is assigned.
  const result = node('result', 'Identity', [place(output), ...changed.map(([i]) => `^assign${i}`)], {
    T: attribute.type(FLOAT),
  });
  const argument = (name: string, dtype: number) => message(text(1, name), int(3, dtype));
  const signature = message(
    text(1, STEP),
    ...inputs.map(({ ref }, i) => bytes(2, argument(`x${i}`, ref.dtype))),
    bytes(3, argument('output', FLOAT)),
    bool(17, true), // is_stateful
  );
  return message(
    bytes(1, signature),
    ...[...reads, ...body, ...assigns, result].map((one) => bytes(3, one)),
    bytes(4, message(text(1, 'output'), text(2, 'result:output:0'))),
    // Hides the body from the session's Grappler pass.
    entry(5, '_tf_data_function', attribute.bool(true)),
    entry(5, '_noinline', attribute.bool(true)),
  );
}

function constantNode(name: string, value: Constant, after: string[]): Buffer {
  const { dtype, values } = value;
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
  const tensor = message(int(1, dtype), bytes(2, shape(value.shape)), content);
  return node(name, 'Const', after, { dtype: attribute.type(dtype), value: attribute.tensor(tensor) });
}

/** An attribute as tfjs gave it to the addon. */
function recorded({ type, value, name }: Attribute): Buffer {
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
