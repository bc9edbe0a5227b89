/** Elementwise kernels through which NaN must pass: the stock ones compare in a way that turns NaN into a bound. */
import * as tf from '@tensorflow/tfjs';
import type { Kernel } from '../kernels/kernel.ts';

/** Stock: clip(NaN, -1, 1) is -1, so a diverged gradient would look well clipped. */
export const clipByValue: Kernel = ({ input, number, heap }) => {
  const low = number('clipValueMin');
  const high = number('clipValueMax');
  const x = input('x');
  const out = heap.make(x.shape, x.dtype);
  const from = heap.view(x);
  const to = heap.view(out);
  for (let i = 0; i < from.length; i++) {
    const value = from[i] ?? 0;
    if (value < low) to[i] = low;
    else if (value > high) to[i] = high;
    else to[i] = value;
  }
  return out;
};

/** Stock: min(1, NaN) is 1, so the factor min(1, max_norm / norm) would let a NaN norm pass unclipped. */
export const minimum = broadcasting(Math.min);
export const maximum = broadcasting(Math.max);

function broadcasting(pick: (a: number, b: number) => number): Kernel {
  return ({ input, heap }) => {
    const a = input('a');
    const b = input('b');
    const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const out = heap.make(shape, a.dtype);
    const [as, bs, to] = [heap.view(a), heap.view(b), heap.view(out)];
    if (tf.util.arraysEqual(a.shape, b.shape)) {
      for (let i = 0; i < to.length; i++) to[i] = pick(as[i] ?? 0, bs[i] ?? 0);
    } else if (as.length === 1 || bs.length === 1) {
      const [aStep, bStep] = [as.length === 1 ? 0 : 1, bs.length === 1 ? 0 : 1];
      for (let i = 0; i < to.length; i++) to[i] = pick(as[i * aStep] ?? 0, bs[i * bStep] ?? 0);
    } else {
      const [ai, bi] = [broadcastIndex(a.shape, shape), broadcastIndex(b.shape, shape)];
      for (let i = 0; i < to.length; i++) to[i] = pick(as[ai[i] ?? 0] ?? 0, bs[bi[i] ?? 0] ?? 0);
    }
    return out;
  };
}

/** For each element of a tensor of shape `to`, the position in `from` (broadcast to it) that it reads. */
function broadcastIndex(from: number[], to: number[]): Int32Array {
  let index = new Int32Array(1);
  const strides = [...tf.util.computeStrides(from), 1];
  to.forEach((size, axis) => {
    const own = axis - (to.length - from.length);
    const stride = (from[own] ?? 1) === 1 ? 0 : (strides[own] ?? 0);
    const next = new Int32Array(index.length * size);
    index.forEach((start, i) => {
      for (let k = 0; k < size; k++) next[i * size + k] = start + k * stride;
    });
    index = next;
  });
  return index;
}

/** Stock: float to bool cuts off the fraction, so 0.5 and NaN become false. */
export const cast: Kernel = ({ input, text, heap, stock }) => {
  const x = input('x');
  if (x.dtype !== 'float32' || text('dtype') !== 'bool') return stock();
  const out = heap.make(x.shape, 'bool');
  const from = heap.view(x);
  const to = heap.view(out);
  for (let i = 0; i < from.length; i++) to[i] = from[i] === 0 ? 0 : 1;
  return out;
};

/** Stock: sign(NaN) is 0, so an update by sign would stand still on a diverged gradient instead of showing it. */
export const sign: Kernel = ({ input, heap }) => {
  const x = input('x');
  const out = heap.make(x.shape, x.dtype);
  const from = heap.view(x);
  const to = heap.view(out);
  for (let i = 0; i < from.length; i++) to[i] = Math.sign(from[i] ?? 0);
  return out;
};

/** Stock: relu6 of NaN is 0, and relu of a NaN with its sign set, as Infinity - Infinity is: it compares bits as integers. */
export const relu = between(0, Number.POSITIVE_INFINITY);
export const relu6 = between(0, 6);

function between(low: number, high: number): Kernel {
  return ({ input, heap }) => {
    const x = input('x');
    const out = heap.make(x.shape, x.dtype);
    const from = heap.view(x);
    const to = heap.view(out);
    for (let i = 0; i < from.length; i++) to[i] = Math.min(Math.max(from[i] ?? 0, low), high);
    return out;
  };
}
