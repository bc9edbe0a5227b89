import { z } from 'zod';
import { refuseSequences, sizeOf } from '../layers/example.ts';
import { site } from '../layers/gradient.ts';
import { type Start, startOptions, weights } from '../layers/init.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';

export const deep_linear: ModelPart<{ depth: number; width: number } & Start> = {
  name: 'deep_linear',
  summary: 'A product of matrices: linear in its input, yet with plateaus and steep walls in its loss.',
  equation: 'y = x W_0 W_1 ... W_depth',
  reference: 'Saxe, McClelland & Ganguli 2014, eq. 1 (no biases)',
  options: z.strictObject({
    depth: z.int().min(1).max(1000).default(3).meta({ description: 'hidden layers', role: 'structural' }),
    width: z.int().min(1).max(65_536).default(32).meta({ description: 'of every hidden layer', role: 'structural' }),
    ...startOptions,
  }),
  make({ depth, width, ...start }) {
    return {
      refuse: refuseSequences,
      sites: true,
      init(streams, { input, output }) {
        const widths = [sizeOf(input), ...Array<number>(depth).fill(width), output];
        const params: Tensors = {};
        for (let layer = 0; layer <= depth; layer++)
          params[`w${layer}`] = weights(start, streams, `w${layer}`, widths.slice(layer, layer + 2));
        return { params, state: {} };
      },
      apply(params, state, x, context) {
        const [batch = 0] = x.shape;
        let h = x.reshape([batch, -1]);
        for (let layer = 0; layer <= depth; layer++) {
          h = h.matMul(pick(params, `w${layer}`));
          if (layer < depth) h = site(`h${layer}`, h, context);
        }
        return [h.as2D(batch, -1), state];
      },
    };
  },
};
