/** From a recording to a SavedModel: variables for what is held, and a call of the function that does the steps. */
import { FLOAT, RESOURCE } from './binding.ts';
import { type Form, stepFunctions } from './functions.ts';
import { attribute, node, whole, XLA } from './node.ts';
import type { Recording } from './record.ts';
import type { Ref } from './tape.ts';
import { STEP } from './variables.ts';
import { bool, bytes, int, message, text } from './wire.ts';

export interface Names {
  /** Where a call's inputs are fed, in order, and where its output comes out. */
  feeds: string[];
  output: string;
  /** Where new values of what is held are fed, what sets them, and where they come out. */
  initials: string[];
  initialize: string;
  held: string[];
}

/** ConfigProto { graph_options { rewrite_options { disable_meta_optimizer: true } } }: Grappler would change the bits. */
const withoutGrappler = bytes(10, bytes(10, bool(19, true)));

/** With `loop` the inputs have an axis in front, with an entry for each of the steps that a call does. */
export function savedModel(recording: Recording, form: Form): { model: Buffer; names: Names } {
  const { held, inputs } = recording;
  const feeds = inputs.map((_, i) => `x${i}`);
  const types = inputs.map(({ ref }) => ref.dtype);
  const placeholders = inputs.map(({ ref }, i) =>
    placeholder(`x${i}`, form.loop ? { ...ref, shape: [-1, ...ref.shape] } : ref),
  );
  const handles = held.map((_, i) => `v${i}`);
  const call = node('call', 'StatefulPartitionedCall', [...feeds, ...handles], {
    Tin: attribute.types([...types, ...held.map(() => RESOURCE)]),
    Tout: attribute.types([FLOAT]),
    f: attribute.func(STEP),
    ...(form.fused && { [XLA]: attribute.bool(true) }),
    config: attribute.text(''),
    config_proto: attribute.bytes(withoutGrappler),
    // For graphs of many small operations the fastest, and one order of all of them.
    executor_type: attribute.text('SINGLE_THREADED_EXECUTOR'),
  });
  const variables = held.flatMap(({ before }, i) => [
    node(`v${i}`, 'VarHandleOp', [], {
      dtype: attribute.type(before.dtype),
      shape: attribute.shape(before.shape),
      shared_name: attribute.text(`v${i}`),
      container: attribute.text(''),
    }),
    placeholder(`new${i}`, before),
    // A tensor may share the memory of a JavaScript array: the state gets its own.
    node(`copy${i}`, 'DeepCopy', [`new${i}`], { T: attribute.type(before.dtype) }),
    node(`set${i}`, 'AssignVariableOp', [`v${i}`, `copy${i}`], { dtype: attribute.type(before.dtype) }),
    node(`get${i}`, 'ReadVariableOp', [`v${i}`], { dtype: attribute.type(before.dtype) }),
  ]);
  const initialize = whole(
    'initialized',
    0,
    held.map((_, i) => `^set${i}`),
  );
  const nodes = [...placeholders, call, ...variables, initialize];
  // graph.proto: GraphDef; 1087 is a version of the producer that TensorFlow 2.13 and later accept.
  const graph = message(
    ...nodes.map((one) => bytes(1, one)),
    bytes(4, int(1, 1087)),
    bytes(2, message(...stepFunctions(recording, form).map((one) => bytes(1, one)))),
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
