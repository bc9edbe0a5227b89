/** Batches from a fixed set of examples. */
import type { Batch, Relabel, Stream, TaskShape } from '../types.ts';

/** Numbers of one example's input and target. */
export function rowSizes({ input, output, times = 1, target = times * output }: TaskShape): { x: number; y: number } {
  return { x: input.reduce((product, n) => product * n, 1), y: target };
}

/**
 * An endless sequence of full batches: one permutation of all examples per epoch, one after the other. A batch may
 * straddle two epochs, so every batch has the same size and every example is met equally often. A batch stands where the
 * last one of its size stood: new memory for each would take longer than to fill it.
 */
export function shuffledBatches(
  examples: Batch,
  shape: TaskShape,
  stream: Stream,
  relabel?: Relabel,
): (size: number) => Batch {
  const { x, y } = rowSizes(shape);
  let order = stream.permutation(examples.size);
  let place = 0;
  let batch: Batch = { size: 0, x: new Float32Array(0), y: new Float32Array(0) };
  return (size) => {
    if (batch.size !== size) batch = { size, x: new Float32Array(size * x), y: new Float32Array(size * y) };
    for (let row = 0; row < size; row++) {
      if (place === order.length) {
        order = stream.permutation(examples.size);
        place = 0;
      }
      const from = order[place++] ?? 0;
      batch.x.set(examples.x.subarray(from * x, (from + 1) * x), row * x);
      batch.y.set(examples.y.subarray(from * y, (from + 1) * y), row * y);
      relabel?.(from, batch.y.subarray(row * y, (row + 1) * y));
    }
    return batch;
  };
}

/** `count` examples, evenly spaced over the set: a fixed part that keeps the shares of sorted classes. */
export function evenly(examples: Batch, shape: TaskShape, count: number): Batch {
  const { x, y } = rowSizes(shape);
  const size = Math.min(count, examples.size);
  const part = { size, x: new Float32Array(size * x), y: new Float32Array(size * y) };
  for (let row = 0; row < size; row++) {
    const from = Math.floor((row * examples.size) / size);
    part.x.set(examples.x.subarray(from * x, (from + 1) * x), row * x);
    part.y.set(examples.y.subarray(from * y, (from + 1) * y), row * y);
  }
  return part;
}
