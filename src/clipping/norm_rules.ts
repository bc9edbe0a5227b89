/**
 * How other systems make a vector shorter whose norm is `n`, with a threshold `c`: the factor on it. They differ where the norm
 * overflows, at 0, at the threshold itself, and for thresholds that nobody should write; published figures rest on each.
 */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { plainNorm } from '../norms.ts';

export type NormRule = (n: tf.Tensor, c: tf.Scalar) => tf.Tensor;

const tfRule: NormRule = (n, c) => c.mul(tf.minimum(n.reciprocal(), c.reciprocal())).add(n.sub(n));

/** tf.clip_by_norm is unlike its sister for the global norm: a norm that overflows gives 0, a negative threshold counts as 0. */
export const clipByNorm: NormRule = (n, c) => tf.maximum(c, 0).div(tf.maximum(n, tf.maximum(c, 0)));

export const normRules = {
  /** torch.nn.utils.clip_grad_norm_: always multiplies, and shrinks a little also at the threshold. */
  torch: (n, c) => tf.minimum(1, c.div(n.add(1e-6))),
  /** tf.clip_by_global_norm: a norm that isn't finite turns all to NaN, on purpose. */
  tf: tfRule,
  /** `global_clipnorm` of Keras 3: as tf, but 0 and below is off. */
  keras: (n, c) => tf.where(c.lessEqual(0), tf.onesLike(n), tfRule(n, c)),
  /** optax.clip_by_global_norm: strictly below the threshold nothing changes. */
  optax: (n, c) => tf.where(n.less(c), tf.onesLike(n), c.div(n)),
  /** `clipnorm` of Keras 1 and 2, which was the norm of all gradients. */
  keras2: (n, c) => tf.where(n.greaterEqual(c), c.div(n), tf.onesLike(n)),
  mlx: (n, c) => tf.where(n.less(c), tf.onesLike(n), c.div(n.add(1e-6))),
  mxnet: (n, c) => tf.minimum(1, c.div(n.add(1e-8))),
  /** lasagne.updates.total_norm_constraint: shrinks a little also below the threshold. */
  lasagne: (n, c) => tf.minimum(n, c).div(n.add(1e-7)),
  paddle: (n, c) => c.div(tf.maximum(n, c)),
  /** burn's GradientClipping::Norm; ClipL2PerLayer of Deeplearning4j. */
  burn: (n, c) => tf.where(n.greater(c), c.div(n), tf.onesLike(n)),
} satisfies Record<string, NormRule>;

/** `safe` is ours: a norm that neither overflows nor underflows, and nothing changes at or below the threshold. */
export const normSemantics = [
  'safe',
  'torch',
  'tf',
  'keras',
  'optax',
  'keras2',
  'mlx',
  'mxnet',
  'lasagne',
  'paddle',
  'burn',
] as const;
export type NormSemantics = (typeof normSemantics)[number];

/** p-norm of tensors taken together, as that system takes it: PyTorch's of a single number has no powers that could overflow. */
export function normAs(semantics: string, tensors: tf.Tensor[], p = 2): tf.Scalar {
  const [only] = tensors;
  const isNumber = only !== undefined && tensors.length === 1 && only.size === 1;
  return semantics === 'torch' && isNumber ? only.abs().asScalar() : plainNorm(tensors, p);
}

/** Option: whose rule it is. */
export const semanticsOption = z.enum(normSemantics).default('safe').meta({
  description:
    'safe: the norm never overflows; else as that system computes it: an overflowing norm makes all NaN with tf and keras, 0 with torch and optax',
  role: 'structural',
});
