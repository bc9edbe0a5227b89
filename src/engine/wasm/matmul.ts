/**
 * Matrix products. The stock kernel is fast for two plain matrices only: transposed or batched ones, which every
 * gradient needs, take a naive loop 4-10 times slower. So: transpose first, then one fast product per batch entry.
 */
import * as tf from '@tensorflow/tfjs';
import type { Call, Heap, Kernel, TensorInfo } from '../kernels/kernel.ts';

export const batchMatMul: Kernel = (call) => {
  const { input, flag, heap } = call;
  if (input('a').dtype !== 'float32' || input('b').dtype !== 'float32') return call.stock(); // it tells why not
  const a = flag('transposeA') ? transposed(call, input('a')) : input('a');
  const b = flag('transposeB') ? transposed(call, input('b')) : input('b');
  const out = product(call, a, b);
  if (a !== input('a')) heap.free(a);
  if (b !== input('b')) heap.free(b);
  return out;
};

function transposed({ run }: Call, x: TensorInfo): TensorInfo {
  const perm = x.shape.map((_, axis) => axis);
  perm.push(...perm.splice(-2).reverse());
  return run('Transpose', { x }, { perm });
}

/** Below this many multiplications a batch entry costs more to copy than to multiply naively. */
const WORTH_COPYING = 2048;

function product({ heap, stock }: Call, a: TensorInfo, b: TensorInfo): TensorInfo {
  const plain = { transposeA: false, transposeB: false };
  const [rows = 0, inner = 0] = a.shape.slice(-2);
  const columns = b.shape.at(-1) ?? 0;
  const batch = tf.util.sizeFromShape(a.shape.slice(0, -2));
  const sameBatch = tf.util.arraysEqual(a.shape.slice(0, -2), b.shape.slice(0, -2));
  // XNNPACK refuses it, and the stock kernel carries on with what was in memory.
  if (inner === 0) return zeros(heap, [...a.shape.slice(0, -1), columns]);
  if (batch === 1 || !sameBatch || b.shape.at(-2) !== inner || rows * inner * columns < WORTH_COPYING) {
    const right = inOwnShape(heap, b);
    const out = stock({ a, b: right }, plain);
    if (right !== b) heap.free(right);
    return out;
  }
  const out = heap.make([...a.shape.slice(0, -1), columns], 'float32');
  for (let i = 0; i < batch; i++) {
    const left = entry(heap, a, i, [1, rows, inner]);
    const right = entry(heap, b, i, [1, inner, columns]);
    const one = stock({ a: left, b: right }, plain);
    heap.view(out).set(heap.view(one), i * rows * columns);
    for (const tensor of [left, right, one]) heap.free(tensor);
  }
  return out;
}

/** The shape in which the fast kernel first met a tensor's data as the right factor. */
const firstShape = new WeakMap<TensorInfo['dataId'], number[]>();

/**
 * The fast kernel keeps what it prepared for the right factor by its data and forgets the shape, so the same data
 * reshaped would be multiplied in the old shape. Such data goes in as a copy.
 */
function inOwnShape(heap: Heap, b: TensorInfo): TensorInfo {
  const matrix = b.shape.slice(-2);
  const known = firstShape.get(b.dataId);
  if (known && !tf.util.arraysEqual(known, matrix)) return entry(heap, b, 0, b.shape);
  firstShape.set(b.dataId, matrix);
  return b;
}

/** A copy: the fast kernel caches what it prepared for a matrix by tensor, so a tensor can't be refilled. */
function entry(heap: Heap, batch: TensorInfo, i: number, shape: number[]): TensorInfo {
  const copy = heap.make(shape, 'float32');
  const size = tf.util.sizeFromShape(shape);
  heap.view(copy).set(heap.view(batch).subarray(i * size, (i + 1) * size));
  return copy;
}

function zeros(heap: Heap, shape: number[]): TensorInfo {
  const out = heap.make(shape, 'float32');
  heap.view(out).fill(0);
  return out;
}
