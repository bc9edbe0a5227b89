/**
 * Outer products that are known by their factors. The gradient of one example by the weights of a layer is one, of what the layer
 * read and the gradient by what it gave; its norm and sums of such are had from the factors, at a hundredth of the memory
 * (Goodfellow 2015, "Efficient per-example gradient computations"). Compiled, a product that nobody reads isn't computed.
 */
import type * as tf from '@tensorflow/tfjs';

export interface Factors {
  /** [examples, rows] */
  left: tf.Tensor;
  /** [examples, columns] */
  right: tf.Tensor;
}

const known = new WeakMap<tf.Tensor, Factors>();

/** Says what this tensor, [examples, rows, columns], is the product of. The factors have to live as long as it does. */
export function withFactors(product: tf.Tensor, factors: Factors): tf.Tensor {
  known.set(product, factors);
  return product;
}

export const factorsOf = (tensor: tf.Tensor): Factors | undefined => known.get(tensor);

/** The tensor, computed anew where its factors are known: so it isn't needed before. */
export function formed(tensor: tf.Tensor): tf.Tensor {
  const factors = factorsOf(tensor);
  return factors === undefined ? tensor : factors.left.expandDims(2).mul(factors.right.expandDims(1));
}
