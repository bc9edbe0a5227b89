/**
 * Convolutions and their gradients by the fast kernel for convolutions. Stock: no gradient by the filter; a slow one by the
 * input; wrong values with `same` padding where a stride is larger than the filter; and, with a padding in pixels and a filter
 * or stride that isn't square, writes to memory that isn't its own, since tfjs counts the outputs wrongly.
 */
import type { Call, Heap, Kernel, TensorInfo } from '../kernels/kernel.ts';
import { convolutionWindow, type Window } from '../kernels/window.ts';

export const conv2D = padding(false);
export const depthwiseConv2D = padding(true);

/** Pads beforehand where XNNPACK doesn't do it right. */
function padding(depthwise: boolean): Kernel {
  return (call) => {
    const { input, stock } = call;
    const [x, filter] = [input('x'), input('filter')];
    const window = convolutionWindow(call, x.shape, filter.shape, depthwise);
    const { strideHeight, strideWidth, filterHeight, filterWidth } = window;
    const pad = call.padding();
    if (pad === 'valid' || (pad === 'same' && strideHeight <= filterHeight && strideWidth <= filterWidth))
      return stock();
    const { top, bottom, left, right } = window.padInfo;
    const padded = call.run('PadV2', { x }, { paddings: around([top, bottom], [left, right]), constantValue: 0 });
    const out = stock({ x: padded }, { pad: 'valid' });
    call.heap.free(padded);
    return out;
  };
}

/** The fast kernel adds up in float32; over more pixels than these its error grows beyond that of other backends. */
const PIXELS = 4096;

/** By parts of the batch, added up in double. */
export const conv2DBackpropFilter: Kernel = (call) => {
  const { input, numbers, heap } = call;
  const [x, dy] = [input('x'), input('dy')];
  const shape = [numbers('filterShape') ?? []].flat();
  const [height = 0, width = 0, from = 0, to = 0] = shape;
  const window = convolutionWindow(call, x.shape, shape);
  const images = Math.max(1, Math.floor(PIXELS / (window.outHeight * window.outWidth)));
  const sums = new Float64Array(height * width * from * to);
  for (let start = 0; start < window.batchSize; start += images) {
    const some = (tensor: TensorInfo) =>
      call.run(
        'Slice',
        { x: tensor },
        { begin: [start, 0, 0, 0], size: [Math.min(images, window.batchSize - start), -1, -1, -1] },
      );
    const [someX, someDy] = [some(x), some(dy)];
    const product = filterGradient(call, someX, someDy, window);
    const values = heap.view(product);
    const [, rows = 0, columns = 0] = product.shape; // some may be left over, which no window reached
    let at = 0;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        for (let i = 0; i < from; i++) {
          const first = ((i * rows + row) * columns + column) * to;
          for (let k = 0; k < to; k++, at++) sums[at] = (sums[at] ?? 0) + (values[first + k] ?? 0);
        }
      }
    }
    for (const tensor of [someX, someDy, product]) heap.free(tensor);
  }
  const out = heap.make(shape, 'float32');
  heap.view(out).set(sums);
  return out;
};

/**
 * dw[i, j] = sum over images and outputs (p, q) of x[p stride + i, q stride + j]^T dy[p, q]: a convolution too, of x with
 * channels as images and images as channels, by dy, which the stride spreads out.
 *
 * @returns [channels in, at least height, at least width, channels out]
 */
function filterGradient({ run, heap }: Call, x: TensorInfo, dy: TensorInfo, window: Window): TensorInfo {
  const { top, bottom, left, right } = window.padInfo;
  const padded = run('PadV2', { x }, { paddings: around([top, bottom], [left, right]), constantValue: 0 });
  const images = run('Transpose', { x: padded }, { perm: [3, 1, 2, 0] });
  const filter = run('Transpose', { x: dy }, { perm: [1, 2, 0, 3] });
  const out = run('Conv2D', { x: images, filter }, plain([window.strideHeight, window.strideWidth]));
  for (const tensor of [padded, images, filter]) heap.free(tensor);
  return out;
}

/** A convolution of dy, which the stride spreads out, with the filter turned around. */
export const conv2DBackpropInput: Kernel = (call) => {
  const { input, numbers, heap, run, stock } = call;
  const [dy, filter] = [input('dy'), input('filter')];
  const window = convolutionWindow(call, [numbers('inputShape') ?? []].flat(), filter.shape);
  const { top, bottom, left, right } = window.padInfo;
  // Windows that lie in the padding altogether.
  if (Math.max(top, bottom) >= window.filterHeight || Math.max(left, right) >= window.filterWidth) return stock();
  const wide = spread(heap, dy, window);
  const turned = run('Reverse', { x: filter }, { dims: [0, 1] });
  const swapped = run('Transpose', { x: turned }, { perm: [0, 1, 3, 2] });
  const out = run('Conv2D', { x: wide, filter: swapped }, plain([1, 1]));
  for (const tensor of [wide, turned, swapped]) heap.free(tensor);
  return out;
};

/** The pixels of `dy` as far apart as their windows, zeros between and around them, so that a window reaches each that it is in. */
function spread(heap: Heap, dy: TensorInfo, window: Window): TensorInfo {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, outChannels, filterHeight, filterWidth, padInfo } = window;
  const [height, width] = [inHeight + filterHeight - 1, inWidth + filterWidth - 1];
  const out = heap.make([batchSize, height, width, outChannels], 'float32');
  const [from, to] = [heap.view(dy), heap.view(out)];
  to.fill(0);
  let at = 0;
  for (let image = 0; image < batchSize; image++) {
    for (let i = 0; i < outHeight; i++) {
      const row = image * height + filterHeight - 1 - padInfo.top + i * window.strideHeight;
      for (let j = 0; j < outWidth; j++) {
        const start = (row * width + filterWidth - 1 - padInfo.left + j * window.strideWidth) * outChannels;
        for (let k = 0; k < outChannels; k++) to[start + k] = from[at++] ?? 0;
      }
    }
  }
  return out;
}

const around = (vertical: number[], horizontal: number[]) => [[0, 0], vertical, horizontal, [0, 0]];
const plain = (dilations: number[]) => ({ strides: [1, 1], pad: 'valid', dataFormat: 'NHWC', dilations });
