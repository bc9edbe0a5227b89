/** The gradient of a convolution by its filter on cpu. Stock: through an accessor for each number, 50 times slower. */
import type { Kernel } from './kernel.ts';
import { convolutionWindow, eachTap } from './window.ts';

/** Of a filter [height, width, channels in, channels out]. */
export const filterGradient: Kernel = (call) => {
  const { input, numbers, heap, text, stock } = call;
  if (text('dataFormat') !== 'NHWC') return stock();
  const [x, dy] = [input('x'), input('dy')];
  const shape = [numbers('filterShape') ?? []].flat();
  const [from = 0, to = 0] = shape.slice(2);
  const out = heap.make(shape, 'float32');
  const [images, gradient, result] = [heap.view(x), heap.view(dy), heap.view(out)];
  const sums = new Float64Array(result.length);
  eachTap(convolutionWindow(call, x.shape, shape), (output, pixel, tap) => {
    for (let i = 0; i < from; i++) {
      const value = images[pixel * from + i] ?? 0;
      const row = (tap * from + i) * to;
      for (let k = 0; k < to; k++) sums[row + k] = (sums[row + k] ?? 0) + value * (gradient[output * to + k] ?? 0);
    }
  });
  result.set(sums);
  return out;
};
