/** Tasks whose examples are made up from a stream, one after the other, and never end. */
import type { Batch, Stream, Task, TaskShape } from '../types.ts';
import { rowSizes } from './examples.ts';

/** Writes the next example: its input and target, which hold zeros before. */
export type Writer = (x: Float32Array, y: Float32Array) => void;

/** Examples in each evaluated split. */
const EVALUATED = 1000;

/**
 * @param writer starts the one sequence of examples that belongs to a stream; `training` says whether they are to learn
 * from or to be evaluated on. As it draws example by example, it doesn't matter how many are asked for at once.
 */
export function generated(
  shape: TaskShape,
  writer: (stream: Stream, training: boolean) => Writer,
  evaluated = EVALUATED,
): Pick<Task, 'shape' | 'batches' | 'split' | 'data'> {
  return {
    shape,
    batches(stream, relabel) {
      const next = writer(stream, true);
      let count = 0;
      const write: Writer = (x, y) => {
        next(x, y);
        relabel?.(count++, y);
      };
      return (size) => fill(shape, size, write);
    },
    split: (_, stream) => fill(shape, evaluated, writer(stream, false)),
    data: () => ({}),
  };
}

function fill(shape: TaskShape, size: number, write: Writer): Batch {
  const row = rowSizes(shape);
  const batch = { size, x: new Float32Array(size * row.x), y: new Float32Array(size * row.y) };
  for (let i = 0; i < size; i++) {
    write(batch.x.subarray(i * row.x, (i + 1) * row.x), batch.y.subarray(i * row.y, (i + 1) * row.y));
  }
  return batch;
}
