/** What a step holds: variables that are read before its body, and assigned after it. */
import { FLOAT, RESOURCE } from './binding.ts';
import { attribute, constant, functionOf, node } from './node.ts';
import type { Recording } from './record.ts';

/** Name of the function. */
export const STEP = 'step';

/**
 * Whether a variable lets go of its tensor when it has been read: operations may then write over it, where they would have to
 * find new memory. That pays for large tensors. When a step fails, they are lost.
 */
function isGivenUp({ before, after }: Recording['held'][number]): boolean {
  const size = before.shape.reduce((product, length) => product * length, 1);
  return before.dtype === FLOAT && before.node !== after.node && size >= 16_384;
}

/** Where what is held stands when it has been read. */
export function readPlaces({ held }: Recording, fused: boolean): string[] {
  return held.map((one, i) => (fused || !isGivenUp(one) ? `read${i}:value:0` : `own${i}:output:0`));
}

/** The function of a step: a body between the reads of what is held and the assignments of what is held next. */
export function between(
  { held, inputs }: Recording,
  body: Buffer[],
  after: string[],
  output: string,
  fused: boolean,
): Buffer {
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
