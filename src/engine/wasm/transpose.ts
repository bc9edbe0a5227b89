/** Transpositions of five axes and more, which attention needs. Stock: 15 times slower than stepping through the numbers. */
import * as tf from '@tensorflow/tfjs';
import type { Kernel } from '../kernels/kernel.ts';

export const transpose: Kernel = ({ input, numbers, heap, stock }) => {
  const x = input('x');
  const perm = [numbers('perm') ?? []].flat();
  if (x.dtype === 'string' || x.shape.length < 5) return stock();
  const shape = perm.map((axis) => x.shape[axis] ?? 0);
  const out = heap.make(shape, x.dtype);
  const [from, to] = [heap.view(x), heap.view(out)];
  const strides = [...tf.util.computeStrides(x.shape), 1];
  const steps = perm.map((axis) => strides[axis] ?? 0);
  const [row = 0, column = 0] = shape.slice(-2);
  const [rowStep = 0, columnStep = 0] = steps.slice(-2);
  // The last two axes are two plain loops; the others are counted through.
  const index = new Array<number>(shape.length - 2).fill(0);
  for (let at = 0; at < to.length; ) {
    let start = 0;
    for (let axis = 0; axis < index.length; axis++) start += (index[axis] ?? 0) * (steps[axis] ?? 0);
    for (let i = 0; i < row; i++, start += rowStep) {
      if (columnStep === 1 && column >= 16) {
        to.set(from.subarray(start, start + column), at);
        at += column;
      } else for (let j = 0, source = start; j < column; j++, source += columnStep) to[at++] = from[source] ?? 0;
    }
    for (let axis = index.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (index[axis] !== 0) break;
    }
  }
  return out;
};
