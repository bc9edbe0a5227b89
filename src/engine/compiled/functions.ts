/** The functions of a compiled step: one that does a step, or one that does as many as it is fed batches for. */
import { BOOL, FLOAT, INT32, VARIANT } from './binding.ts';
import { body, type Place } from './body.ts';
import { attribute, functionOf, node, whole } from './node.ts';
import type { Recording } from './record.ts';
import { between, readPlaces } from './variables.ts';

/** How steps are done. */
export interface Form {
  /** As many in one call as there are inputs for, else one. */
  loop: boolean;
  /** XLA, TensorFlow's compiler, makes one piece of code of them, else operations are started one by one. */
  fused: boolean;
}

/**
 * Reads what is held, runs the recorded operations, assigns what is held next, returns the output. With `loop` the inputs
 * have one more axis in front, an entry for each step, and so has the output.
 */
export function stepFunctions(recording: Recording, { loop, fused }: Form): Buffer[] {
  return loop ? [...loopFunctions(recording, fused), loopedStep(recording, fused)] : singleStep(recording, fused);
}

function singleStep(recording: Recording, fused: boolean): Buffer[] {
  const reads = readPlaces(recording, fused);
  const { nodes, functions, place } = body(
    recording.nodes,
    [
      ...recording.held.map(({ before }, i): Place => [before, reads[i] ?? '']),
      ...recording.inputs.map(({ ref }, i): Place => [ref, `x${i}`]),
    ],
    fused,
  );
  const after = recording.held.map((one) => place(one.after));
  return [...functions, between(recording, nodes, after, place(recording.output), fused)];
}

function loopedStep(recording: Recording, fused: boolean): Buffer {
  const { held, inputs, output } = recording;
  const types = loopTypes(recording);
  const state = readPlaces(recording, fused);
  const shape = 'shape:output:0';
  const nodes = [
    whole('zero', 0),
    whole('first', [0]),
    whole('second', [1]),
    node('sizes', 'Shape', ['x0'], {
      T: attribute.type(inputs[0]?.ref.dtype ?? FLOAT),
      out_type: attribute.type(INT32),
    }),
    node('count', 'StridedSlice', ['sizes:output:0', 'first:output:0', 'second:output:0', 'second:output:0'], {
      T: attribute.type(INT32),
      Index: attribute.type(INT32),
      shrink_axis_mask: attribute.int(1),
    }),
    whole('shape', output.shape),
    node('rows', 'TensorListReserve', [shape, 'count:output:0'], {
      element_dtype: attribute.type(FLOAT),
      shape_type: attribute.type(INT32),
    }),
    node(
      'loop',
      'StatelessWhile',
      ['zero:output:0', 'count:output:0', 'rows:handle:0', ...state, ...inputs.map((_, i) => `x${i}`)],
      {
        T: attribute.types(types),
        cond: attribute.func(CONDITION),
        body: attribute.func(BODY),
        output_shapes: attribute.list(),
        parallel_iterations: attribute.int(1),
      },
    ),
    node('stacked', 'TensorListStack', [`loop:output:${ROWS}`, shape], {
      element_dtype: attribute.type(FLOAT),
      num_elements: attribute.int(-1),
    }),
  ];
  const after = held.map((_, i) => `loop:output:${FIRST + i}`);
  return between(recording, nodes, after, 'stacked:tensor:0', fused);
}

const CONDITION = 'goes_on';
const BODY = 'one_step';

/** What a loop carries: step, count, rows of output, then what is held and the inputs of all steps. */
const ROWS = 2;
const FIRST = 3;

function loopTypes({ held, inputs }: Recording): number[] {
  return [INT32, INT32, VARIANT, ...held.map(({ before }) => before.dtype), ...inputs.map(({ ref }) => ref.dtype)];
}

function loopFunctions(recording: Recording, fused: boolean): Buffer[] {
  const { held, inputs, output } = recording;
  const types = loopTypes(recording);
  const args = types.map((dtype, i): [string, number] => [`a${i}`, dtype]);
  const condition = functionOf({
    name: CONDITION,
    arguments: args,
    results: [{ name: 'more', dtype: BOOL, from: 'less:z:0' }],
    nodes: [node('less', 'Less', ['a0', 'a1'], { T: attribute.type(INT32) })],
    stateful: false,
  });
  const own = inputs.map(({ ref }, i) =>
    node(`own${i}`, 'GatherV2', [`a${FIRST + held.length + i}`, 'a0', 'axis:output:0'], {
      Tparams: attribute.type(ref.dtype),
      Tindices: attribute.type(INT32),
      Taxis: attribute.type(INT32),
      batch_dims: attribute.int(0),
    }),
  );
  const { nodes, functions, place } = body(
    recording.nodes,
    [
      ...held.map(({ before }, i): Place => [before, `a${FIRST + i}`]),
      ...inputs.map(({ ref }, i): Place => [ref, `own${i}:output:0`]),
    ],
    fused,
  );
  const advance = [
    whole('one', 1),
    node('next', 'AddV2', ['a0', 'one:output:0'], { T: attribute.type(INT32) }),
    node('row', 'TensorListSetItem', [`a${ROWS}`, 'a0', place(output)], { element_dtype: attribute.type(FLOAT) }),
  ];
  const from = [
    'next:z:0',
    'a1',
    'row:output_handle:0',
    ...held.map(({ after }) => place(after)),
    ...inputs.map((_, i) => `a${FIRST + held.length + i}`),
  ];
  const once = functionOf({
    name: BODY,
    arguments: args,
    results: from.map((one, i) => ({ name: `b${i}`, dtype: types[i] ?? FLOAT, from: one })),
    nodes: [whole('axis', 0), ...own, ...nodes, ...advance],
    stateful: false,
  });
  return [...functions, condition, once];
}
