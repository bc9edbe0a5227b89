import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type NormSemantics, normAs, normRules, semanticsOption } from '../clipping/norm_rules.ts';
import { type PowerOption, powerOf, powerOption } from '../clipping/power.ts';
import { isChange } from '../clipping/touched.ts';
import { groupNorms, shortened } from '../norms.ts';
import { mapTensors, named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

export const global_norm: TransformPart<{ semantics: NormSemantics; p: PowerOption; use_norm?: number }, 'max_norm'> = {
  name: 'global_norm',
  summary: 'Clips the norm of all gradients taken together; the direction of the step stays.',
  equation: 'g <- g * min(1, max_norm / ||g||_p)',
  reference: 'Pascanu, Mikolov & Bengio 2013, Algorithm 1; tf.clip_by_global_norm; torch.nn.utils.clip_grad_norm_',
  scope: 'global',
  cost: '2R + W',
  options: z.strictObject({
    max_norm: z
      .number()
      .positive()
      .meta({
        description: 'largest norm of the whole gradient',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 50, scale: 'log' },
      }),
    p: powerOption,
    use_norm: z.number().positive().exactOptional().meta({
      description: 'taken for the norm, which is not computed then',
      role: 'structural',
    }),
    semantics: semanticsOption,
  }),
  make: ({ semantics, p, use_norm }) => ({
    init: () => ({}),
    update(grads, state, { options: { max_norm } }) {
      const info = (isClipped: tf.Tensor) => ({
        clipped_fraction: isClipped.toFloat().asScalar(),
        threshold: max_norm,
      });
      const list = Object.values(grads);
      if (semantics === 'safe' && use_norm === undefined) {
        const { groups, norms } = shortened([list], max_norm, powerOf(p));
        return { grads: named(grads, groups.flat()), state, info: info(norms.greater(max_norm)) };
      }
      const norm = use_norm === undefined ? normAs(semantics, list, powerOf(p)) : tf.scalar(use_norm);
      const factor = normRules[semantics === 'safe' ? 'burn' : semantics](norm, max_norm);
      return {
        grads: mapTensors(grads, (g) => g.mul(factor)),
        state,
        info: info(isChange(factor)),
        overflowed: norm.isInf(),
      };
    },
    statistic: (grads) => groupNorms([Object.values(grads)], powerOf(p)).asScalar(),
  }),
};
