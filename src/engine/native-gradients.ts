/** Gradients for which TensorFlow has something faster than what tfjs puts together. The values are the same. */
import * as tf from '@tensorflow/tfjs';
import type { Cell } from '../types.ts';
import { native, typeAttribute, typeOf } from './compiled/binding.ts';

/** Call once, after the native backend was loaded. */
export function replaceGradients(numerics: Cell['numerics']): void {
  replace('Relu', (dy, [x = dy]) => ({ x: () => reluGradient(dy, x) }));
  // Without oneDNN a product with a transposed matrix takes up to four times as long as transposing it first.
  if (numerics === 'repro') {
    replace('BatchMatMul', (dy, [a = dy, b = dy], attributes, stock) => {
      const { transposeA, transposeB } = attributes;
      const isMatrix = b.size === (b.shape.at(-2) ?? 0) * (b.shape.at(-1) ?? 0);
      const gradient = stock(dy, [a, b], attributes);
      return transposeA || transposeB || !isMatrix ? gradient : { ...gradient, a: () => tf.matMul(dy, transposed(b)) };
    });
  }
}

type NamedGradients = Record<string, () => tf.Tensor>;
type Gradient = (dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap) => NamedGradients;

function replace(
  kernelName: string,
  gradFunc: (...given: [...Parameters<Gradient>, stock: Gradient]) => NamedGradients,
) {
  const stock = tf.getGradient(kernelName);
  if (stock === undefined) throw new Error(`tfjs has no gradient for ${kernelName}`);
  const one = (dy: tf.Tensor | tf.Tensor[]) => (Array.isArray(dy) ? (dy[0] ?? tf.scalar(0)) : dy);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...stock,
    // Another backend may have been chosen since.
    gradFunc: (dy, saved, attributes) =>
      tf.getBackend() === 'tensorflow'
        ? gradFunc(one(dy), saved, attributes, stock.gradFunc)
        : stock.gradFunc(dy, saved, attributes),
  });
}

function reluGradient(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return native().executeSingleOutput('ReluGrad', [typeAttribute('T', typeOf(x))], [dy, x]);
}

function transposed(matrix: tf.Tensor): tf.Tensor {
  const axes = matrix.shape.map((_, i) => i);
  return matrix.transpose([...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}
