import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { groupsIn, type Scope, scopeOption } from '../clipping/scope.ts';
import { isChange, shareOf } from '../clipping/touched.ts';
import { plainNorm, resized } from '../norms.ts';
import { named } from '../tensors.ts';
import type { TransformPart } from '../types.ts';

/** What a norm is divided by in other systems, so that a gradient of zeros isn't divided by 0. */
const divisors = {
  /** optax.normalize_by_update_norm */
  add: (n: tf.Tensor, eps: tf.Scalar) => n.add(eps),
  /** torch.nn.functional.normalize */
  max: (n: tf.Tensor, eps: tf.Scalar) => tf.maximum(n, eps),
  /** tf.math.l2_normalize */
  max_square: (n: tf.Tensor, eps: tf.Scalar) => tf.maximum(n.square(), eps).sqrt(),
};
const modes = ['safe', 'add', 'max', 'max_square', 'none'] as const;
type Mode = (typeof modes)[number];

export const normalized: TransformPart<{ scope: Scope; eps_mode: Mode }, 'scale' | 'eps'> = {
  name: 'normalized',
  summary: 'Makes every gradient equally long, so that its norm no longer matters and its direction alone does.',
  equation:
    'g <- g * scale / ||g||;  add: / (||g|| + eps);  max: / max(||g||, eps);  max_square: / sqrt(max(||g||^2, eps))',
  reference:
    'Hazan, Levy & Shalev-Shwartz 2015, Algorithm 1; by tensor Yu et al. 2017; optax.normalize_by_update_norm (add), torch.nn.functional.normalize (max), tf.math.l2_normalize (max_square)',
  scope: 'global',
  cost: '2R + W',
  options: z.strictObject({
    scale: z
      .number()
      .positive()
      .default(1)
      .meta({
        description: 'norm of the gradient afterwards',
        role: 'numeric',
        threshold: true,
        search: { min: 0.01, max: 10, scale: 'log' },
      }),
    scope: scopeOption,
    eps: z.number().min(0).default(1e-6).meta({
      description: 'keeps the quotient finite where the gradient is 0; unused in safe and none',
      role: 'numeric',
    }),
    eps_mode: z.enum(modes).default('safe').meta({
      description:
        'safe: the norm never overflows nor underflows, and zeros stay zeros; none: they become NaN, as in Deeplearning4j; else where eps stands, with norms that may overflow: such a gradient becomes 0',
      role: 'structural',
    }),
  }),
  make: ({ scope, eps_mode }) => ({
    init: () => ({}),
    update(grads, state, { options: { scale, eps } }) {
      const groups = groupsIn(grads, scope);
      const { tensors, norms, factors } =
        eps_mode === 'safe' || eps_mode === 'none'
          ? lengthened(groups, scale, eps_mode === 'none')
          : divided(groups, scale, (n) => divisors[eps_mode](n, eps));
      return {
        grads: named(grads, tensors),
        state,
        info: { clipped_fraction: shareOf([tf.logicalAnd(isChange(factors), norms.greater(0))]), threshold: scale },
      };
    },
  }),
};

/** With norms that neither overflow nor underflow; zeros stay, or become NaN, as 0 / 0 is. */
function lengthened(groups: tf.Tensor[][], scale: tf.Scalar, zerosBecomeNaN: boolean) {
  const { groups: resizedGroups, norms, factors } = resized(groups, () => scale);
  const gaps = tf.where(norms.equal(0), Number.NaN, 0).unstack();
  const tensors = resizedGroups.flatMap((group, i) => (zerosBecomeNaN ? group.map((g) => g.add(gaps[i] ?? 0)) : group));
  return { tensors, norms, factors };
}

function divided(groups: tf.Tensor[][], scale: tf.Scalar, divisor: (n: tf.Tensor) => tf.Tensor) {
  const norms = tf.stack(groups.map((group) => plainNorm(group)));
  const factors = scale.div(divisor(norms));
  const single = factors.unstack();
  const tensors = groups.flatMap((group, i) => group.map((g) => g.mul(single[i] ?? scale)));
  return { tensors, norms, factors };
}
