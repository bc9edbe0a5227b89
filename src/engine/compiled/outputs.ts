/**
 * Names of operations' outputs, from TensorFlow's registry of operations: in a function, an edge is written
 * `node:output:index`.
 */
const table: Record<string, string> = {
  y: 'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil ComplexAbs Cos Cosh DeepCopy Erf Exp Expm1 Floor IsFinite IsInf IsNan Log Log1p LogicalNot Neg OnesLike Reciprocal Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike',
  z: 'Add AddV2 Atan2 Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul NotEqual Pow RealDiv SigmoidGrad SquaredDifference Sub TanhGrad',
  output:
    'All Any ArgMax ArgMin AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchMatMul BatchMatMulV2 BatchToSpaceND ClipByValue Concat ConcatV2 Const Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 DepthToSpace DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput Diag Dilation2D Einsum ExpandDims Fill GatherNd GatherV2 Identity Imag L2Loss LRN LinSpace Max MaxPool MaxPool3D MaxPool3DGrad MaxPoolGrad Mean Min MirrorPad OneHot Pack PadV2 Prod Range Real Reshape ResizeBilinearGrad ResizeNearestNeighborGrad Reverse ReverseV2 ScatterNd Select SelectV2 Shape Size Slice SpaceToBatchND Split SplitV StatelessIf StatelessRandomNormal StatelessRandomUniform StridedSlice Sum TensorScatterUpdate Tile Unpack UnsortedSegmentSum',
  activations: 'Elu LeakyRelu Relu Relu6 Selu Softplus',
  backprops: 'EluGrad LeakyReluGrad Relu6Grad ReluGrad SeluGrad SoftplusGrad',
  out: 'Complex Cumprod Cumsum',
  sum: 'AddN',
  softmax: 'Softmax',
  logsoftmax: 'LogSoftmax',
  product: 'MatMul',
  'y idx': 'UniqueV2',
  'loss backprop': 'SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits',
  'values indices': 'TopKV2',
  band: 'MatrixBandPart',
  resized_images: 'ResizeBilinear ResizeNearestNeighbor',
  dense: 'SparseToDense',
  value: 'ReadVariableOp',
  resource: 'VarHandleOp',
  'y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3': 'FusedBatchNormV3',
  'x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5': 'FusedBatchNormGradV3',
};

const outputs = new Map(
  Object.entries(table).flatMap(([names, ops]) => ops.split(' ').map((op) => [op, names.split(' ')] as const)),
);

/** `product:0`. @throws Error for an operation that isn't in the table */
export function outputName(op: string, index: number): string {
  const names = outputs.get(op);
  if (names === undefined) throw new Error(`operation ${op} is not known to the compiler (engine/compiled/outputs.ts)`);
  // One name stands for a list of outputs, several for one output each.
  return names.length === 1 ? `${names[0]}:${index}` : `${names[index]}:0`;
}
