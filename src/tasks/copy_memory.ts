import { z } from 'zod';
import { below } from '../data/draw.ts';
import { generated } from '../data/generated.ts';
import { accuracyAtEnd, crossEntropyOverTimes } from '../data/sequence.ts';
import type { TaskPart } from '../types.ts';

/** Symbols are 0 .. 7. */
const ALPHABET = 8;
const BLANK = 8;
/** Says that the symbols are wanted now. It is read only: outputs are symbols and the blank. */
const DELIMITER = 9;

export const copy_memory: TaskPart<{ delay: number; symbols: number }> = {
  name: 'copy_memory',
  summary:
    'Remember symbols over a long time and write them down in the end; the metric is the share of them that is right, every batch is new.',
  equation:
    'tokens [symbols s, blanks T - 1, delimiter 1, blanks s] of 10 kinds -> at each time one of 9: T + s blanks, then the symbols',
  reference:
    'Arjovsky, Shah & Bengio 2016, section 4.1 (after Hochreiter & Schmidhuber 1997): T = delay, s = 10; without memory the loss is no better than s log 8 / (T + 2 s)',
  options: z.strictObject({
    delay: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .meta({ description: 'times from the last symbol to the delimiter', role: 'structural' }),
    symbols: z.int().min(1).max(1000).default(10).meta({ description: 'symbols to remember', role: 'structural' }),
  }),
  make({ delay, symbols }) {
    const times = delay + 2 * symbols;
    const classes = ALPHABET + 1;
    const shape = { input: [times], vocabulary: ALPHABET + 2, output: classes, times, target: times };
    return {
      ...generated(shape, (stream) => (x, y) => {
        x.fill(BLANK);
        y.fill(BLANK);
        x[symbols + delay - 1] = DELIMITER;
        for (let i = 0; i < symbols; i++) {
          x[i] = below(ALPHABET, stream);
          y[symbols + delay + i] = x[i] ?? 0;
        }
      }),
      kind: 'classification',
      loss: crossEntropyOverTimes(classes),
      metric: { name: 'recall_accuracy', better: 'higher', perExample: accuracyAtEnd(classes, symbols) },
    };
  },
};
