/** The functions of a compiled step: one that does a step, or one that does as many as it is fed batches for. */
import { BOOL, FLOAT, INT32, RESOURCE, VARIANT } from './binding.ts';
import { body, type Place } from './body.ts';
import { attribute, constant, functionOf, node, whole } from './node.ts';
import type { Recording } from './record.ts';

export const STEP = 'step';

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
  return [...functions, around(recording, nodes, after, place(recording.output), fused)];
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
  return around(recording, nodes, after, 'stacked:tensor:0', fused);
}

/**
 * Whether a variable lets go of its tensor when it has been read: operations may then write over it, where they would have to
 * find new memory. That pays for large tensors. When a step fails, they are lost.
 */
function isGivenUp({ before, after }: Recording['held'][number]): boolean {
  const size = before.shape.reduce((product, length) => product * length, 1);
  return before.dtype === FLOAT && before.node !== after.node && size >= 16_384;
}

function readPlaces({ held }: Recording, fused: boolean): string[] {
  return held.map((one, i) => (fused || !isGivenUp(one) ? `read${i}:value:0` : `own${i}:output:0`));
}

/** Between the reads of what is held and the assignments. */
function around({ held, inputs }: Recording, body: Buffer[], after: string[], output: string, fused: boolean): Buffer {
  const reads = held.flatMap((one, i) => {
    const dtype = attribute.type(one.before.dtype);
    const read = node(`read${i}`, 'ReadVariableOp', [`v${i}`], { dtype });
    if (fused || !isGivenUp(one)) return [read];
    return [
      read,
      node(`empty${i}`, 'AssignVariableOp', [`v${i}`, 'nothing:output:0', `^read${i}`], { dtype }),
      node(`own${i}`, 'Identity', [`read${i}:value:0`, `^empty${i}`], { T: dtype }),
    ];
  });
  // No state is assigned before all of it has been read: otherwise a step would see a part of the next.
  const afterReads = held.map((_, i) => `^read${i}`);
  const changed = [...held.entries()].filter(([, one]) => one.before.node !== one.after.node);
  const assigns = changed.map(([i, one]) => {
    const emptied = fused || !isGivenUp(one) ? [] : [`^empty${i}`];
    return node(`assign${i}`, 'AssignVariableOp', [`v${i}`, after[i] ?? '', ...afterReads, ...emptied], {
      dtype: attribute.type(one.before.dtype),
    });
  });
  // No result comes out before all is assigned.
  const result = node('result', 'Identity', [output, ...changed.map(([i]) => `^assign${i}`)], {
    T: attribute.type(FLOAT),
  });
  const nothing = [
    constant('zero_size', { dtype: FLOAT, shape: [0], values: new Float32Array(0) }),
    // Of a shape that isn't known before it runs, so that it may stand in for any.
    node('nothing', 'PlaceholderWithDefault', ['zero_size:output:0'], {
      dtype: attribute.type(FLOAT),
      shape: attribute.anyShape(),
    }),
  ];
  return functionOf({
    name: STEP,
    arguments: [
      ...inputs.map(({ ref }, i): [string, number] => [`x${i}`, ref.dtype]),
      ...held.map((_, i): [string, number] => [`v${i}`, RESOURCE]),
    ],
    results: [{ name: 'output', dtype: FLOAT, from: 'result:output:0' }],
    nodes: [...nothing, ...reads, ...body, ...assigns, result],
    stateful: true,
    fused,
  });
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
