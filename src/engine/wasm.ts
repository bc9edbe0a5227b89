/**
 * Makes the wasm backend fit for training. As shipped it computes some kernels wrongly or far too slowly for that;
 * these replacements give the values of the other backends to float32 rounding. Each file in wasm/ says what was wrong.
 */
import { cast, clipByValue, maximum, minimum, sign } from './wasm/elementwise.ts';
import { type Kernel, replaceKernel } from './wasm/kernel.ts';
import { batchMatMul } from './wasm/matmul.ts';
import { mean, sum } from './wasm/reductions.ts';
import { slice, splitV, unpack } from './wasm/slices.ts';

const replacements: Record<string, Kernel> = {
  BatchMatMul: batchMatMul,
  Cast: cast,
  ClipByValue: clipByValue,
  Maximum: maximum,
  Mean: mean,
  Minimum: minimum,
  Sign: sign,
  Slice: slice,
  SplitV: splitV,
  Sum: sum,
  Unpack: unpack,
};

/** Call once, after the wasm backend's module was imported. */
export function overrideWasmKernels(): void {
  for (const [kernelName, kernel] of Object.entries(replacements)) replaceKernel(kernelName, kernel);
}
