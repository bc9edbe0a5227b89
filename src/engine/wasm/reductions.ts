/**
 * Sums in double precision. The stock kernels add in one float32, which is off by 5e-4 for the squares of 1e6
 * gradients: enough to move the norm, and with it every clipped run, away from the other backends.
 */
import * as tf from '@tensorflow/tfjs';
import type { Call, Kernel, TensorInfo } from '../kernels/kernel.ts';

export const sum: Kernel = (call) => (call.input('x').dtype === 'float32' ? reduce(call, () => 1) : call.stock());

export const mean: Kernel = (call) =>
  call.input('x').dtype === 'float32' ? reduce(call, (count) => count) : call.stock();

function reduce({ input, numbers, flag, heap }: Call, divisor: (count: number) => number): TensorInfo {
  const x = input('x');
  const axes = tf.util.parseAxisParam(numbers('axis') ?? x.shape.map((_, axis) => axis), x.shape);
  const [shape] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
  const out = heap.make(flag('keepDims') ? tf.backend_util.expandShapeToKeepDim(shape, axes) : shape, 'float32');
  const values = heap.view(x);
  const totals = sums(values, x.shape, axes, tf.util.sizeFromShape(shape));
  const by = divisor(values.length / totals.length);
  heap.view(out).set(by === 1 ? totals : totals.map((total) => total / by));
  return out;
}

/** Reads `values` once, in order, adding each to the total that it belongs to. */
function sums(values: ArrayLike<number>, shape: number[], axes: number[], count: number): Float64Array {
  const totals = new Float64Array(count);
  const steps = totalSteps(shape, axes);
  const rank = Math.max(1, shape.length);
  const row = shape.at(-1) ?? 1;
  const rowStep = steps.at(-1) ?? 0;
  const index = new Array<number>(rank).fill(0);
  for (let start = 0; start < values.length; start += row) {
    let at = 0;
    for (let axis = 0; axis < rank - 1; axis++) at += (index[axis] ?? 0) * (steps[axis] ?? 0);
    if (rowStep === 0) {
      let total = totals[at] ?? 0;
      for (let j = 0; j < row; j++) total += values[start + j] ?? 0;
      totals[at] = total;
    } else {
      for (let j = 0; j < row; j++) totals[at + j] = (totals[at + j] ?? 0) + (values[start + j] ?? 0);
    }
    for (let axis = rank - 2; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (index[axis] !== 0) break;
    }
  }
  return totals;
}

/** How far a step along each axis moves among the totals: not at all along a summed axis. */
function totalSteps(shape: number[], axes: number[]): number[] {
  let step = 1;
  return shape
    .map((size, axis) => ({ size, summed: axes.includes(axis) }))
    .reverse()
    .map(({ size, summed }) => {
      if (summed) return 0;
      step *= size;
      return step / size;
    })
    .reverse();
}
