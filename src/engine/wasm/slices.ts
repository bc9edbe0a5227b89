/** Slice, unstack and split without the stock kernels' copy of the whole tensor for each piece (60 times slower). */
import * as tf from '@tensorflow/tfjs';
import type { Heap, Kernel, TensorInfo } from '../kernels/kernel.ts';

export const slice: Kernel = ({ input, numbers, heap, stock }) => {
  const x = input('x');
  if (x.dtype === 'string') return stock();
  const [begin = [], size = []] = tf.slice_util.parseSliceParams(x, numbers('begin') ?? 0, numbers('size'));
  return copyBlock(heap, x, begin, size);
};

export const unpack: Kernel = ({ input, number, heap }) => {
  const x = input('value');
  const axis = axisOf(number('axis'), x);
  return pieces(heap, x, axis, new Array<number>(x.shape[axis] ?? 0).fill(1)).map((piece) => ({
    ...piece,
    shape: piece.shape.toSpliced(axis, 1),
  }));
};

export const splitV: Kernel = ({ input, number, numbers, heap }) => {
  const x = input('x');
  const axis = axisOf(number('axis'), x);
  return pieces(heap, x, axis, tf.backend_util.prepareSplitSize(x, numbers('numOrSizeSplits') ?? 1, axis));
};

const axisOf = (axis: number, x: TensorInfo) => (axis < 0 ? axis + x.shape.length : axis);

/** Consecutive pieces of `x` along `axis`. */
function pieces(heap: Heap, x: TensorInfo, axis: number, lengths: number[]): TensorInfo[] {
  let start = 0;
  return lengths.map((length) => {
    const begin = x.shape.map((_, i) => (i === axis ? start : 0));
    start += length;
    return copyBlock(heap, x, begin, x.shape.with(axis, length));
  });
}

/** Copies a block in runs that are contiguous in `x`: the last axes that are taken whole, and one axis before them. */
function copyBlock(heap: Heap, x: TensorInfo, begin: number[], size: number[]): TensorInfo {
  const out = heap.make(size, x.dtype);
  const from = heap.view(x);
  const to = heap.view(out);
  let split = Math.max(0, size.length - 1); // axes before `split` are stepped through, the others lie in one run
  while (split > 0 && size[split] === x.shape[split]) split--;
  const strides = [...tf.util.computeStrides(x.shape), 1];
  const run = tf.util.sizeFromShape(size.slice(split));
  const index = new Array<number>(split).fill(0);
  const first = begin.reduce((sum, start, axis) => sum + start * (strides[axis] ?? 1), 0);
  for (let at = 0; at < to.length; at += run) {
    let source = first;
    for (let axis = 0; axis < split; axis++) source += (index[axis] ?? 0) * (strides[axis] ?? 0);
    if (run < 16) for (let i = 0; i < run; i++) to[at + i] = from[source + i] ?? 0;
    else to.set(from.subarray(source, source + run), at);
    for (let axis = split - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === size[axis] ? 0 : next;
      if (index[axis] !== 0) break;
    }
  }
  return out;
}
