/**
 * Makes the wasm backend fit for training. As shipped it lacks gradients, and computes some kernels wrongly or far too
 * slowly for that; these replacements give the values of the other backends to float32 rounding. Each file in kernels/ and
 * wasm/ says what was wrong.
 */
import { depthwiseFilterGradient, depthwiseInputGradient } from './kernels/depthwise.ts';
import { type Kernel, replaceKernel } from './kernels/kernel.ts';
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad } from './kernels/pooling.ts';
import { unsortedSegmentSum } from './kernels/segments.ts';
import { conv2D, conv2DBackpropFilter, conv2DBackpropInput, depthwiseConv2D } from './wasm/convolution.ts';
import { cast, clipByValue, maximum, minimum, relu, relu6, sign } from './wasm/elementwise.ts';
import { fusedConv2D, fusedDepthwiseConv2D, fusedMatMul } from './wasm/fused.ts';
import { batchMatMul } from './wasm/matmul.ts';
import { mean, sum } from './wasm/reductions.ts';
import { slice, splitV, unpack } from './wasm/slices.ts';
import { transpose } from './wasm/transpose.ts';

const replacements: Record<string, Kernel> = {
  AvgPool: avgPool,
  AvgPoolGrad: avgPoolGrad,
  BatchMatMul: batchMatMul,
  Cast: cast,
  ClipByValue: clipByValue,
  Conv2D: conv2D,
  Conv2DBackpropFilter: conv2DBackpropFilter,
  Conv2DBackpropInput: conv2DBackpropInput,
  DepthwiseConv2dNative: depthwiseConv2D,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  FusedConv2D: fusedConv2D,
  FusedDepthwiseConv2D: fusedDepthwiseConv2D,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
  Maximum: maximum,
  Mean: mean,
  Minimum: minimum,
  Relu: relu,
  Relu6: relu6,
  Sign: sign,
  Slice: slice,
  SplitV: splitV,
  Sum: sum,
  Transpose: transpose,
  Unpack: unpack,
  UnsortedSegmentSum: unsortedSegmentSum,
  _FusedMatMul: fusedMatMul,
};

/** Call once, after the wasm backend's module was imported. */
export function overrideWasmKernels(): void {
  for (const [kernelName, kernel] of Object.entries(replacements)) replaceKernel('wasm', kernelName, kernel);
}
