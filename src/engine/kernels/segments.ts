/** Sums by index: the gradient of gather. Stock: none on wasm; on cpu a pass over everything for each segment. */
import * as tf from '@tensorflow/tfjs';
import type { Kernel } from './kernel.ts';

/** out[s] is the sum of the x[i] with segmentIds[i] = s; ids outside of 0 .. numSegments - 1 are left out. */
export const unsortedSegmentSum: Kernel = ({ input, number, heap }) => {
  const [x, segmentIds] = [input('x'), input('segmentIds')];
  const inner = x.shape.slice(segmentIds.shape.length);
  const width = tf.util.sizeFromShape(inner);
  const out = heap.make([number('numSegments'), ...inner], x.dtype);
  const [from, ids, to] = [heap.view(x), heap.view(segmentIds), heap.view(out)];
  const sums = new Float64Array(to.length);
  ids.forEach((id, i) => {
    if (id < 0 || id >= number('numSegments')) return;
    for (let j = 0; j < width; j++) sums[id * width + j] = (sums[id * width + j] ?? 0) + (from[i * width + j] ?? 0);
  });
  to.set(sums);
  return out;
};
