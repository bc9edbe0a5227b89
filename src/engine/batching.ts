/**
 * How kernels of tfjs are run for all examples at once, for `vmap.ts`: a rule for each. Where there is none a kernel is run for one
 * example after the other, which is always right.
 */
import * as tf from '@tensorflow/tfjs';
import { withFactors } from '../outer.ts';

export interface Input {
  key: string;
  /** Of one example. */
  shape: number[];
  /** For all examples, count * size numbers in their order; or the one that is the same for all. */
  tensor: tf.Tensor;
  isWhole: boolean;
}

/** A call of a kernel for one example, which is to be made for `count` of them. At least one input is whole. */
export interface Call {
  kernel: string;
  count: number;
  inputs: Input[];
  /** Whether the kernel takes its inputs as a list. */
  isList: boolean;
  attrs: tf.NamedAttrMap;
  /** Shapes of what it gave for one example. */
  outputs: number[][];
}

/** What the kernel gives for all examples: tensors of count * size numbers in the order of the examples. */
type Rule = (call: Call) => tf.Tensor[];

export const ruleOf = (kernel: string): Rule => rules.get(kernel) ?? oneAfterTheOther;

const oneAfterTheOther: Rule = (call) => {
  const parts = call.inputs.map((input) => (input.isWhole ? whole(input, call).unstack() : undefined));
  const each = Array.from({ length: call.count }, (_, i) =>
    run(
      call,
      call.inputs.map(({ tensor }, k) => parts[k]?.[i] ?? tensor),
    ),
  );
  return call.outputs.map((_, k) => tf.stack(each.flatMap((results) => results.slice(k, k + 1))));
};

/** Entry by entry, where shapes may differ as long as one is broadcast to the other. */
const elementwise: Rule = (call) => {
  const shape = commonShape(call);
  const rank = Math.max(...call.inputs.map((input) => input.shape.length));
  const spread = (input: Input) => [call.count, ...Array<number>(rank - input.shape.length).fill(1), ...input.shape];
  return run(
    call,
    call.inputs.map((input) => (input.isWhole ? like(input.tensor, shape ?? spread(input)) : input.tensor)),
  );
};

/** A shape that whole inputs may have as they are; what is the same for all goes with its last axes. Saves reshaping. */
function commonShape({ inputs }: Call): number[] | undefined {
  const [first, ...others] = inputs.filter(({ isWhole }) => isWhole);
  if (first === undefined || others.some(({ shape }) => shape.join() !== first.shape.join())) return undefined;
  const ends = (shape: number[], rank: number) => shape.slice(shape.length - rank).join();
  const goes = (shape: number[]) =>
    inputs.every(
      ({ isWhole, shape: { length } }) =>
        isWhole || (length <= first.shape.length && ends(shape, length) === ends(first.shape, length)),
    );
  return [first, ...others].map(({ tensor }) => tensor.shape).find(goes);
}

/** Entry by entry of equal shapes. */
const matched: Rule = (call) =>
  run(
    call,
    call.inputs.map((input) => whole(input, call)),
  );

/** The same for all examples, since it depends on shapes only; or the same numbers in another shape. */
const reshaped: Rule = ({ inputs }) => inputs.slice(0, 1).map(({ tensor }) => tensor);

/** The attribute `name` has axes, which count from behind the one of the examples; none are all. */
const along =
  (name: string, written: (axes: number[]) => tf.NamedAttrMap): Rule =>
  (call) => {
    const shape = call.inputs[0]?.shape ?? [];
    const given = call.attrs[name];
    const axes = given === undefined || given === null ? shape.map((_, axis) => axis) : numbers(given);
    const shifted = axes.map((axis) => (axis < 0 ? axis + shape.length : axis) + 1);
    return matched({ ...call, attrs: { ...call.attrs, ...written(shifted) } });
  };
const reduced = along('axis', (axis) => ({ axis }));
const largest = along('reductionIndices', (reductionIndices) => ({ reductionIndices }));
const alongOne = along('axis', ([axis = 1]) => ({ axis }));
const transposed = along('perm', (perm) => ({ perm: [0, ...perm] }));
/** The axis of a stack is one of what comes out. */
const packed: Rule = (call) => {
  const [axis = 0] = numbers(call.attrs.axis ?? 0);
  const rank = call.outputs[0]?.length ?? 0;
  return matched({ ...call, attrs: { ...call.attrs, axis: (axis < 0 ? axis + rank : axis) + 1 } });
};
const sliced: Rule = (call) => {
  const begin = [0, ...numbers(call.attrs.begin)];
  return matched({ ...call, attrs: { ...call.attrs, begin, size: [call.count, ...(call.outputs[0] ?? [])] } });
};
const tiled: Rule = (call) => matched({ ...call, attrs: { ...call.attrs, reps: [1, ...numbers(call.attrs.reps)] } });
const padded: Rule = (call) => {
  const paddings = Array.isArray(call.attrs.paddings) ? call.attrs.paddings : [];
  return matched({ ...call, attrs: { ...call.attrs, paddings: [[0, 0], ...paddings.map(numbers)] } });
};

/** With weights that are the same for all, one product of all rows; else a product for each. */
const product: Rule = (call) => {
  const { transposeA = false, transposeB = false } = call.attrs;
  const [a, b] = call.inputs;
  if (a === undefined || b === undefined) return oneAfterTheOther(call);
  if (!b.isWhole && b.shape.length === 2 && !transposeA) {
    return run(call, [a.tensor.reshape([-1, a.shape.at(-1) ?? 1]), b.tensor]);
  }
  const matrices = (input: Input) => like(whole(input, call), [-1, ...input.shape.slice(-2)]);
  const results = run({ ...call, attrs: { ...call.attrs, transposeA, transposeB } }, [matrices(a), matrices(b)]);
  const isOuter = a.isWhole && b.isWhole && a.shape.length === 2 && a.shape[0] === 1 && transposeA && !transposeB;
  return isOuter ? results.map((result) => withFactors(result, { left: a.tensor, right: b.tensor })) : results;
};

/** What has an axis for a batch already, and does the same for each of it. */
const folded: Rule = (call) => {
  const { inputShape } = call.attrs;
  const [batch = 1, ...others] = inputShape === undefined ? [] : numbers(inputShape);
  return run(
    {
      ...call,
      attrs: { ...call.attrs, ...(inputShape !== undefined && { inputShape: [call.count * batch, ...others] }) },
    },
    call.inputs.map(({ tensor, shape: [first = 1, ...rest], isWhole }) =>
      isWhole ? like(tensor, [call.count * first, ...rest]) : tensor,
    ),
  );
};
/** A convolution by weights that are the same for all. */
const convolved: Rule = (call) => (call.inputs[1]?.isWhole ? oneAfterTheOther(call) : folded(call));

/** Kernels by rule. */
const table: [Rule, string][] = [
  [
    elementwise,
    'Abs Add Cast Cos Elu Equal Erf Exp Expm1 Greater GreaterEqual IsFinite IsNan Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Multiply Neg NotEqual OneHot RealDiv Reciprocal Relu Rsqrt Sigmoid Sign Softplus Sqrt Square SquaredDifference Step Sub Tanh',
  ],
  [matched, 'AddN EluGrad Select'],
  [reduced, 'All Any Mean Min Sum'],
  [product, 'BatchMatMul'],
  [alongOne, 'Concat SplitV Unpack'],
  [convolved, 'Conv2D Conv2DBackpropInput'],
  [reshaped, 'ExpandDims Identity Reshape'],
  [largest, 'Max'],
  [folded, 'MaxPool MaxPoolGrad'],
  [packed, 'Pack'],
  [padded, 'PadV2'],
  [sliced, 'Slice'],
  [along('dim', ([dim = 1]) => ({ dim })), 'Softmax'],
  [tiled, 'Tile'],
  [transposed, 'Transpose'],
];
const rules = new Map(table.flatMap(([rule, kernels]) => kernels.split(' ').map((kernel) => [kernel, rule] as const)));

function run({ kernel, inputs, isList, attrs }: Call, tensors: tf.Tensor[]): tf.Tensor[] {
  // tfjs says that kernels take their inputs by name, but gives some of them a list.
  const given: tf.NamedTensorMap = isList
    ? Object(tensors)
    : Object.fromEntries(inputs.flatMap(({ key }, i) => tensors.slice(i, i + 1).map((tensor) => [key, tensor])));
  return [tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(kernel, given, attrs)].flat();
}

/** [count, ...shape]; what is the same for all is repeated. */
function whole({ tensor, shape, isWhole }: Input, { count }: Call): tf.Tensor {
  if (isWhole) return like(tensor, [count, ...shape]);
  return tensor.reshape([1, ...shape]).tile([count, ...shape.map(() => 1)]);
}

/** In this shape, in which one size may be -1. */
const like = (tensor: tf.Tensor, shape: number[]): tf.Tensor =>
  tensor.shape.length === shape.length && tensor.shape.every((size, i) => size === shape[i])
    ? tensor
    : tensor.reshape(shape);

/** A number or a list, as a list. */
const numbers = (attribute: unknown): number[] => [attribute].flat().map(Number);
