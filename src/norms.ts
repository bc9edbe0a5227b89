/**
 * L2 norms that neither overflow nor underflow (of a float32 square, 1e20 is Infinity and 1e-23 is 0), at the cost of
 * plain ones: the careful way is taken only where the plain one fails.
 */
import * as tf from '@tensorflow/tfjs';
import { lazyWhere } from './lazy.ts';

/**
 * Half the sum of squares, as tf.nn.l2_loss: one read of the tensor where the backend has a kernel for it.
 */
export function l2Loss(tensor: tf.Tensor): tf.Scalar {
  const half =
    tf.getKernel('L2Loss', tf.getBackend()) === undefined
      ? tensor.square().sum().div(2)
      : tf.engine().runKernel<tf.Tensor>('L2Loss', { t: tensor });
  return half.asScalar();
}

/** Sums of squares beyond these may have lost more than rounding: squares below 1e-38 count as 0. */
const SMALLEST = 1e-20;
const LARGEST = 1e37;

/** Norms as scale * rest, [groups] each: where a norm overflows, both are still in range. */
interface Norms {
  scale: tf.Tensor;
  rest: tf.Tensor;
}

/** There is one choice for all groups: one for each would cost as much as the norms. */
function normsOf(groups: tf.Tensor[][], p: number): Norms {
  if (p !== 2) {
    const careful = groups.map((group) => scaled(group, p));
    return { scale: tf.stack(careful.map(({ scale }) => scale)), rest: tf.stack(careful.map(({ rest }) => rest)) };
  }
  const halves = tf.stack(groups.map((group) => total(group.map(l2Loss))));
  // A comparison with NaN never holds.
  const isPlain = tf.logicalAnd(halves.greater(SMALLEST), halves.less(LARGEST));
  const plain = { scale: tf.onesLike(halves), rest: halves.mul(2).sqrt() };
  const [scale = halves, rest = halves] = lazyWhere(tf.logicalNot(isPlain.all()), () => {
    const careful = groups.map((group) => scaled(group));
    // No norm changes, not even in its last bit, because another needs care.
    const where = (part: keyof Norms) => tf.where(isPlain, plain[part], tf.stack(careful.map((own) => own[part])));
    return [where('scale'), where('rest')];
  }, [plain.scale, plain.rest]);
  return { scale, rest };
}

/** Scale is the largest absolute value, and rest the p-norm of the tensors divided by it, at most the p-th root of n. */
function scaled(tensors: tf.Tensor[], p = 2): { scale: tf.Scalar; rest: tf.Scalar } {
  const max = tf.stack(tensors.map((tensor) => tensor.abs().max())).max();
  // Zeros, and what holds Infinity or NaN, is left as it is: dividing would turn 0 and Infinity into NaN.
  const usable = tf.logicalAnd(max.greater(0), max.less(Number.POSITIVE_INFINITY));
  const scale = tf.where(usable, max, tf.onesLike(max)).asScalar();
  const rest = plainNorm(
    tensors.map((tensor) => tensor.div(scale)),
    p,
  );
  return { scale, rest };
}

/** p-norm of tensors taken together, p from 1 to Infinity, as its definition has it: powers may overflow and underflow. */
export function plainNorm(tensors: tf.Tensor[], p = 2): tf.Scalar {
  if (p === 2) return total(tensors.map(l2Loss)).mul(2).sqrt().asScalar();
  if (p === Number.POSITIVE_INFINITY) return tf.stack(tensors.map((tensor) => tensor.abs().max())).max();
  if (p === 1) return total(tensors.map((tensor) => tensor.abs().sum().asScalar()));
  // exp(p log x): a power of its own would differ between Node's versions on the cpu backend.
  const power = (tensor: tf.Tensor, exponent: number) => tensor.log().mul(exponent).exp();
  const sum = total(tensors.map((tensor) => power(tensor.abs(), p).sum().asScalar()));
  return power(sum, 1 / p).asScalar();
}

function total(terms: tf.Scalar[]): tf.Scalar {
  const [only] = terms;
  return only !== undefined && terms.length === 1 ? only : tf.addN(terms).asScalar();
}

/** L2 norm of tensors taken together. Infinity and NaN come out as themselves. */
export function normOf(tensors: tf.Tensor[]): tf.Scalar {
  const { scale, rest } = normsOf([tensors], 2);
  return rest.mul(scale).asScalar();
}

/** Norms of groups of tensors, [groups], each of tensors taken together. */
export function groupNorms(groups: tf.Tensor[][], p = 2): tf.Tensor1D {
  const { scale, rest } = normsOf(groups, p);
  return rest.mul(scale).as1D();
}

/** The largest absolute value of an entry. */
export const largestEntry = (tensors: tf.Tensor[]): tf.Scalar =>
  tf
    .stack(tensors.map((tensor) => tensor.abs().max()))
    .max()
    .asScalar();

/** Factors in range whatever the norm is. */
const SMALLEST_FACTOR = 1e-18;
const LARGEST_FACTOR = 1e18;

/**
 * Groups of tensors at most `length` long (a scalar, or [groups]) in the same direction, and their norms before, [groups].
 * A group that is short enough stays as it is; NaN stays NaN. Right for every finite tensor, also where norm or length /
 * norm leave float32's range.
 */
export function shortened(
  groups: tf.Tensor[][],
  length: tf.Tensor,
  p = 2,
): { groups: tf.Tensor[][]; norms: tf.Tensor1D } {
  const found = normsOf(groups, p);
  const norms = found.rest.mul(found.scale);
  const factors = tf.where(norms.greater(length), length.div(norms), tf.onesLike(norms));
  return { groups: stretched(groups, found, factors, length), norms: norms.as1D() };
}

/**
 * Groups of tensors in the same direction, each as long as `lengthOf` makes of its norm, and their norms before and the
 * factors on them, [groups]. Zeros stay, and so does what holds NaN. As right as `shortened`.
 */
export function resized(
  groups: tf.Tensor[][],
  lengthOf: (norms: tf.Tensor) => tf.Tensor,
): { groups: tf.Tensor[][]; norms: tf.Tensor1D; factors: tf.Tensor1D } {
  const found = normsOf(groups, 2);
  const norms = found.rest.mul(found.scale);
  const lengths = lengthOf(norms);
  const isOther = tf.logicalAnd(norms.greater(0), lengths.notEqual(norms));
  const factors = tf.where(isOther, lengths.div(norms), tf.onesLike(norms));
  return { groups: stretched(groups, found, factors, lengths), norms: norms.as1D(), factors: factors.as1D() };
}

/** Every tensor times the factor of its group, which is lengths / (scale * rest) or 1. */
function stretched(
  groups: tf.Tensor[][],
  { scale, rest }: Norms,
  factors: tf.Tensor,
  lengths: tf.Tensor,
): tf.Tensor[][] {
  const bounded = tf.minimum(tf.maximum(factors, SMALLEST_FACTOR), LARGEST_FACTOR);
  const first = each(groups, bounded);
  // What has a factor beyond: lengths / norms alone would have been 0 or Infinity.
  const isRight = bounded.equal(factors);
  const right = lazyWhere(
    tf.logicalNot(isRight.all()),
    () => {
      const second = tf.where(isRight, tf.onesLike(factors), lengths.div(rest).div(scale.mul(bounded)));
      return each(regrouped(first, groups), second);
    },
    first,
  );
  return regrouped(right, groups);
}

/** Every tensor times the factor of its group. */
function each(groups: tf.Tensor[][], factors: tf.Tensor): tf.Tensor[] {
  const single = groups.length === 1 ? [factors.asScalar()] : factors.unstack();
  return groups.flatMap((group, i) => group.map((tensor) => tensor.mul(single[i] ?? factors)));
}

function regrouped(tensors: tf.Tensor[], like: tf.Tensor[][]): tf.Tensor[][] {
  let at = 0;
  return like.map((group) => {
    at += group.length;
    return tensors.slice(at - group.length, at);
  });
}

/** cos of the angle between two vectors given as groups of tensors with their norms; NaN where one is zero. */
export function cosine(a: tf.Tensor[], b: tf.Tensor[], normA: tf.Scalar, normB: tf.Scalar): tf.Scalar {
  const both = tf.stack([normA, normB]);
  const isPlain = tf.logicalAnd(both.greater(1e-10), both.less(1e18));
  const dot = (left: tf.Tensor[], right: tf.Tensor[]) =>
    tf.addN(left.map((tensor, i) => tensor.mul(right[i] ?? tensor).sum()));
  const [found = both] = lazyWhere(tf.logicalNot(isPlain.all()), () => {
    const [left, right] = [scaled(a), scaled(b)];
    const of = (tensors: tf.Tensor[], { scale }: { scale: tf.Scalar }) => tensors.map((tensor) => tensor.div(scale));
    return [dot(of(a, left), of(b, right)).div(left.rest.mul(right.rest))];
  }, [dot(a, b).div(normA.mul(normB))]);
  return found.asScalar();
}
