/**
 * Pools, for wasm and cpu. Stock, on both: the gradient of an average over a window that hangs over the edge is divided by
 * the window's size, but the average itself by the pixels inside. On wasm besides: the gradient of a maximum that is not
 * positive is dropped, and a NaN makes maximum and average -Infinity.
 */
import type { Kernel } from './kernel.ts';
import { eachTap, poolWindow } from './window.ts';

/** NaN is passed over, as by TensorFlow and the cpu backend. */
export const maxPool: Kernel = (call) => {
  const { input, heap } = call;
  const x = input('x');
  const window = poolWindow(call, x);
  const channels = window.inChannels;
  const out = heap.make(window.outShape, x.dtype);
  const [from, to] = [heap.view(x), heap.view(out)];
  to.fill(Number.NEGATIVE_INFINITY);
  eachTap(window, (output, pixel) => {
    for (let c = 0; c < channels; c++) {
      const value = from[pixel * channels + c] ?? 0;
      if (value > (to[output * channels + c] ?? 0)) to[output * channels + c] = value;
    }
  });
  return out;
};

/** All of it goes to the first of the largest. */
export const maxPoolGrad: Kernel = (call) => {
  const { input, heap } = call;
  const x = input('input');
  const window = poolWindow(call, x);
  const channels = window.inChannels;
  const out = heap.make(x.shape, 'float32');
  const [from, dy, to] = [heap.view(x), heap.view(input('dy')), heap.view(out)];
  const largest = new Int32Array(dy.length).fill(-1);
  eachTap(window, (output, pixel) => {
    for (let c = 0; c < channels; c++) {
      const at = pixel * channels + c;
      const before = largest[output * channels + c] ?? -1;
      const known = from[before] ?? Number.NaN;
      if (before < 0 || (from[at] ?? 0) > known || Number.isNaN(known)) largest[output * channels + c] = at;
    }
  });
  to.fill(0);
  largest.forEach((at, output) => {
    if (at >= 0) to[at] = (to[at] ?? 0) + (dy[output] ?? 0);
  });
  return out;
};

export const avgPool: Kernel = (call) => {
  const { input, heap } = call;
  const x = input('x');
  const window = poolWindow(call, x);
  const channels = window.inChannels;
  const out = heap.make(window.outShape, 'float32');
  const [from, to] = [heap.view(x), heap.view(out)];
  const means = new Float64Array(to.length);
  eachTap(window, (output, pixel, _, count) => {
    for (let c = 0; c < channels; c++) {
      means[output * channels + c] = (means[output * channels + c] ?? 0) + (from[pixel * channels + c] ?? 0) / count;
    }
  });
  to.set(means);
  return out;
};

export const avgPoolGrad: Kernel = (call) => {
  const { input, heap } = call;
  const x = input('input');
  const window = poolWindow(call, x);
  const channels = window.inChannels;
  const out = heap.make(x.shape, 'float32');
  const [dy, to] = [heap.view(input('dy')), heap.view(out)];
  to.fill(0);
  eachTap(window, (output, pixel, _, count) => {
    for (let c = 0; c < channels; c++) {
      to[pixel * channels + c] = (to[pixel * channels + c] ?? 0) + (dy[output * channels + c] ?? 0) / count;
    }
  });
  return out;
};
