/** The gradient of a product, faster than as tfjs has it. */
import * as tf from '@tensorflow/tfjs';
import type { Cell } from '../types.ts';

/**
 * Without oneDNN a product with a transposed matrix takes up to four times as long as transposing it first. Call once, after
 * the native backend was loaded.
 */
export function replaceGradients(numerics: Cell['numerics']): void {
  const stock = tf.getGradient('BatchMatMul');
  if (stock === undefined) throw new Error('tfjs has no gradient for BatchMatMul');
  if (numerics === 'fast') return;
  tf.unregisterGradient('BatchMatMul');
  tf.registerGradient({
    ...stock,
    gradFunc(dy, saved, attributes) {
      const gradient = stock.gradFunc(dy, saved, attributes);
      const { transposeA, transposeB } = attributes;
      const [, b] = saved;
      // Another backend may have been chosen since.
      const applies = tf.getBackend() === 'tensorflow' && !transposeA && !transposeB;
      if (!applies || b?.rank !== 2 || Array.isArray(dy)) return gradient;
      return { ...gradient, a: () => tf.matMul(dy, b.transpose()) };
    },
  });
}
