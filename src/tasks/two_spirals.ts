import { z } from 'zod';
import { crossEntropy, type Share, shareOption, shares } from '../data/classification.ts';
import { below } from '../data/draw.ts';
import { generated } from '../data/generated.ts';
import type { TaskPart } from '../types.ts';

/** Of Lang and Witbrock's spirals: 97 points, 16 to half a turn, the outermost at this distance. */
const LAST = 96;
const HALF_TURN = 16;
const RADIUS = 6.5;

export const two_spirals: TaskPart<{ turns: number; noise: number; metric: Share }> = {
  name: 'two_spirals',
  summary:
    'Tell on which of two intertwined spirals a point lies; every batch is new, and so are the evaluated points.',
  equation: 'r = 6.5 (104 - i) / 104, angle = pi i / 16, i in [0, 32 turns);  +- r (sin, cos) -> spiral',
  reference:
    'Lang & Witbrock 1988: 3 turns, and no other points than i = 0, 1, .., 96 to train; here i is any number between',
  options: z.strictObject({
    turns: z
      .number()
      .positive()
      .max(LAST / (2 * HALF_TURN))
      .default(LAST / (2 * HALF_TURN))
      .meta({ description: 'turns of each spiral, from the outside', role: 'structural' }),
    noise: z
      .number()
      .min(0)
      .default(0)
      .meta({ description: 'standard deviation of what is added to both coordinates', role: 'structural' }),
    metric: shareOption,
  }),
  make: ({ turns, noise, metric }) => ({
    ...generated({ input: [2], output: 2 }, (stream) => (x, y) => {
      const place = stream.uniform() * turns * 2 * HALF_TURN;
      const spiral = below(2, stream);
      const radius = ((spiral === 0 ? 1 : -1) * RADIUS * (LAST + 8 - place)) / (LAST + 8);
      const angle = (Math.PI * place) / HALF_TURN;
      x[0] = radius * Math.sin(angle) + noise * stream.normal();
      x[1] = radius * Math.cos(angle) + noise * stream.normal();
      y[spiral] = 1;
    }),
    kind: 'classification',
    loss: crossEntropy,
    metric: shares[metric],
  }),
};
