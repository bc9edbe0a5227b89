import { z } from 'zod';
import { accuracy, crossEntropy } from '../data/classification.ts';
import { below } from '../data/draw.ts';
import { generated } from '../data/generated.ts';
import type { TaskPart } from '../types.ts';

/** A and B, and c, d, e, f, which mean nothing. */
const RELEVANT = 2;
const DISTRACTORS = 4;
const SYMBOLS = RELEVANT + DISTRACTORS;

export const temporal_order: TaskPart<{ length: number }> = {
  name: 'temporal_order',
  summary:
    'Tell in which order two symbols came, early and in the middle of a sequence of distractors; every batch is new.',
  equation: 'one-hot symbols [length, 6] -> AA, AB, BA or BB',
  reference:
    'Hochreiter & Schmidhuber 1997, experiment 6a, as Pascanu, Mikolov & Bengio 2013 set it: one length, A or B at a time in [T/10, 2T/10] and in [5T/10, 6T/10]',
  options: z.strictObject({
    length: z.int().min(10).max(10_000).default(50).meta({ description: 'symbols in a sequence', role: 'structural' }),
  }),
  make({ length }) {
    const tenths = (n: number) => Math.floor((n * length) / 10);
    const width = tenths(1) + 1;
    return {
      ...generated({ input: [length, SYMBOLS], output: RELEVANT * RELEVANT }, (stream) => (x, y) => {
        const symbols = Array.from({ length }, () => RELEVANT + below(DISTRACTORS, stream));
        const first = below(RELEVANT, stream);
        const second = below(RELEVANT, stream);
        symbols[tenths(1) + below(width, stream)] = first;
        symbols[tenths(5) + below(width, stream)] = second;
        symbols.forEach((symbol, t) => {
          x[t * SYMBOLS + symbol] = 1;
        });
        y[RELEVANT * first + second] = 1;
      }),
      kind: 'classification',
      loss: crossEntropy,
      metric: { ...accuracy, name: 'success_rate' },
    };
  },
};
