/** Gradients of a convolution of each channel by itself. Stock: none on wasm; on cpu through an accessor for each number. */
import type { Kernel } from './kernel.ts';
import { convolutionWindow, eachTap } from './window.ts';

/** Of filters [height, width, channels, multiplier], in double: each entry is a sum over all pixels of all images. */
export const depthwiseFilterGradient: Kernel = (call) => {
  const { input, numbers, heap } = call;
  const [x, dy] = [input('x'), input('dy')];
  const shape = [numbers('filterShape') ?? []].flat();
  const [channels = 0, multiplier = 0] = shape.slice(2);
  const out = heap.make(shape, 'float32');
  const [images, gradient, to] = [heap.view(x), heap.view(dy), heap.view(out)];
  const sums = new Float64Array(to.length);
  const outputs = channels * multiplier;
  eachTap(convolutionWindow(call, x.shape, shape, true), (output, pixel, tap) => {
    for (let k = 0; k < outputs; k++) {
      const value = images[pixel * channels + Math.floor(k / multiplier)] ?? 0;
      sums[tap * outputs + k] = (sums[tap * outputs + k] ?? 0) + value * (gradient[output * outputs + k] ?? 0);
    }
  });
  to.set(sums);
  return out;
};

export const depthwiseInputGradient: Kernel = (call) => {
  const { input, numbers, heap } = call;
  const [dy, filter] = [input('dy'), input('filter')];
  const shape = [numbers('inputShape') ?? []].flat();
  const [channels = 0, multiplier = 0] = filter.shape.slice(2);
  const out = heap.make(shape, 'float32');
  const [gradient, weights, to] = [heap.view(dy), heap.view(filter), heap.view(out)];
  to.fill(0);
  const outputs = channels * multiplier;
  eachTap(convolutionWindow(call, shape, filter.shape, true), (output, pixel, tap) => {
    for (let k = 0; k < outputs; k++) {
      const at = pixel * channels + Math.floor(k / multiplier);
      to[at] = (to[at] ?? 0) + (gradient[output * outputs + k] ?? 0) * (weights[tap * outputs + k] ?? 0);
    }
  });
  return out;
};
