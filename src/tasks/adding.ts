import { z } from 'zod';
import { squaredError } from '../data/regression.ts';
import type { Batch, Stream, TaskPart } from '../types.ts';

/** Examples in each evaluated split. */
const EVALUATED = 1000;

/** A sequence counts as solved within this distance of its target. */
const TOLERANCE = 0.04;

export const adding: TaskPart<{ length: number }> = {
  name: 'adding',
  summary: 'Add the two marked numbers of a sequence, far apart in time; every batch is new.',
  equation: 'pairs (value in [-1, 1], mark) [length, 2] -> 0.5 + (v1 + v2) / 4',
  reference:
    'Hochreiter & Schmidhuber 1997, experiment 4, with sequences of one length instead of length to 1.1 length',
  options: z.strictObject({
    length: z.int().min(6).max(10_000).default(50).meta({ description: 'pairs in a sequence', role: 'structural' }),
  }),
  make: ({ length }) => ({
    shape: { input: [length, 2], output: 1 },
    batches: (stream) => (size) => sequences(length, size, stream),
    split: (_, stream) => sequences(length, EVALUATED, stream),
    kind: 'regression',
    loss: squaredError,
    metric: {
      name: 'success_rate',
      better: 'higher',
      perExample: (y, target) => y.sub(target).abs().lessEqual(TOLERANCE).toFloat().as1D(),
    },
    data: () => ({}),
  }),
};

/**
 * One mark (1) is among the first ten pairs, or the first half of fewer than twenty, the other among the first half less one; the first and last pair carry
 * the mark -1. Where the first mark falls on the first pair, that pair's value counts as 0.
 */
function sequences(length: number, size: number, stream: Stream): Batch {
  const x = new Float32Array(size * length * 2);
  const y = new Float32Array(size);
  const below = (n: number) => Math.floor(stream.uniform() * n);
  for (let row = 0; row < size; row++) {
    const start = row * length * 2;
    for (let t = 0; t < length; t++) x[start + 2 * t] = 2 * stream.uniform() - 1;
    const first = below(Math.min(10, Math.floor(length / 2)));
    const others = Math.floor(length / 2) - 1;
    let second = below(first < others ? others - 1 : others);
    if (second >= first) second += 1;
    x[start + 1] = -1;
    x[start + 2 * (length - 1) + 1] = -1;
    let sum = 0;
    for (const t of [first, second]) {
      if (t > 0) {
        x[start + 2 * t + 1] = 1;
        sum += x[start + 2 * t] ?? 0;
      }
    }
    y[row] = 0.5 + sum / 4;
  }
  return { size, x, y };
}
