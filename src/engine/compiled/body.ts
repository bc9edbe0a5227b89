/** What was recorded, as nodes of a function; what is done in choices becomes functions of their own. */
import { BOOL, FLOAT } from './binding.ts';
import { attribute, constant, functionOf, node, recorded } from './node.ts';
import { outputName } from './outputs.ts';
import { ARGUMENT, CHOICE, type Node, nameOf, type Ref, type Side } from './tape.ts';

/** Where a tensor stands that the nodes use and don't make. */
export type Place = [ref: Ref, place: string];

interface Body {
  nodes: Buffer[];
  /** Functions that the nodes call. */
  functions: Buffer[];
  place(ref: Ref): string;
}

/** @param fused both sides of a choice are computed, which is cheaper than to choose where all becomes one piece of code */
export function body(nodes: Node[], given: Place[], fused: boolean): Body {
  const places = new Map(given.map(([ref, place]) => [nameOf(ref), place]));
  const outputOf = ({ node: { name, op }, index }: Ref) => {
    if (op !== CHOICE) return `${name}:${outputName(op, index)}`;
    // Of the loop that a choice is, the first output says whether it would run again.
    return fused ? `${name}_${index}:output:0` : `${name}:output:${index + 1}`;
  };
  const place = (ref: Ref) => places.get(nameOf(ref)) ?? outputOf(ref);
  const functions: Buffer[] = [];
  const write = (one: Node): Buffer[] => {
    const { name, op, inputs, attributes, value, chosen } = one;
    if (op === ARGUMENT) return [];
    if (value !== undefined) return [constant(name, value)];
    if (chosen === undefined) {
      const known = attributes.map((each) => [each.name, recorded(each)]);
      return [node(name, op, inputs.map(place), Object.fromEntries(known))];
    }
    if (fused) return [...chosen.nodes.flatMap(write), ...selections(one, chosen, place)];
    functions.push(...choiceFunctions(one, chosen));
    return [choice(one, inputs.map(place))];
  };
  return { nodes: nodes.flatMap(write), functions, place };
}

function selections({ name, inputs }: Node, { outputs }: Side, place: (ref: Ref) => string): Buffer[] {
  const [when, ...others] = inputs;
  return outputs.map((yes, i) => {
    const from = [when, yes, others[i]].map((ref) => (ref === undefined ? '' : place(ref)));
    return node(`${name}_${i}`, 'SelectV2', from, { T: attribute.type(yes.dtype) });
  });
}

/**
 * A choice is a loop that runs once or not at all. It carries whether it runs, what comes out, and what is read. (TensorFlow's
 * own choice, StatelessIf, waits for ever for a second thread.)
 */
function choice({ name, inputs }: Node, from: string[]): Buffer {
  return node(name, 'StatelessWhile', from, {
    T: attribute.types(inputs.map(({ dtype }) => dtype)),
    cond: attribute.func(`${name}_if`),
    body: attribute.func(`${name}_then`),
    output_shapes: attribute.list(),
    parallel_iterations: attribute.int(1),
  });
}

/** Whether it runs, and what it does, after the functions that this calls itself. */
function choiceFunctions({ name, inputs }: Node, { nodes, outputs }: Side): Buffer[] {
  const args = inputs.map(({ dtype }, i): [string, number] => [`a${i}`, dtype]);
  const first = 1 + outputs.length;
  const inside = body(
    nodes,
    inputs.slice(first).map((ref, i) => [ref, `a${first + i}`]),
    false,
  );
  const from = ['never:output:0', ...outputs.map(inside.place), ...args.slice(first).map(([arg]) => arg)];
  const test = functionOf({
    name: `${name}_if`,
    arguments: args,
    results: [{ name: 'runs', dtype: BOOL, from: 'a0' }],
    nodes: [],
    stateful: false,
  });
  const once = functionOf({
    name: `${name}_then`,
    arguments: args,
    results: from.map((one, i) => ({ name: `r${i}`, dtype: args[i]?.[1] ?? FLOAT, from: one })),
    nodes: [constant('never', { dtype: BOOL, shape: [], values: Uint8Array.of(0) }), ...inside.nodes],
    stateful: false,
  });
  return [...inside.functions, test, once];
}
