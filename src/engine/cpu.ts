/** Mends the cpu backend: a wrong gradient, and some that are far too slow. Each file in kernels/ says what was wrong. */
import { filterGradient } from './kernels/convolution.ts';
import { depthwiseFilterGradient, depthwiseInputGradient } from './kernels/depthwise.ts';
import { erf } from './kernels/erf.ts';
import { type Kernel, replaceKernel } from './kernels/kernel.ts';
import { avgPoolGrad, maxPoolGrad } from './kernels/pooling.ts';
import { unsortedSegmentSum } from './kernels/segments.ts';

const replacements: Record<string, Kernel> = {
  AvgPoolGrad: avgPoolGrad,
  Conv2DBackpropFilter: filterGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  Erf: erf,
  MaxPoolGrad: maxPoolGrad,
  UnsortedSegmentSum: unsortedSegmentSum,
};

/** Call once; the cpu backend is always there. */
export function overrideCpuKernels(): void {
  for (const [kernelName, kernel] of Object.entries(replacements)) replaceKernel('cpu', kernelName, kernel);
}
