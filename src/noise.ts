/** Random numbers inside a step: new ones at each step, and the same on every backend and engine. */
import * as tf from '@tensorflow/tfjs';
import { stateless } from './philox.ts';
import { pick } from './tensors.ts';
import type { Noise, Tensors } from './types.ts';

/** @param key scalars `high` and `low`, the halves of 32 bits that stand for a run and a purpose, such as dropout */
export function noiseOf(key: Tensors, step: tf.Scalar): Noise {
  return (site, shape) => {
    const run = pick(key, 'high').toInt().mul(tf.scalar(0x10000, 'int32')).add<tf.Scalar>(pick(key, 'low').toInt());
    const seed = tf.stack([run.add(tf.scalar(hashOf(site), 'int32')), step.toInt()]);
    return tf.getKernel('StatelessUniform', tf.getBackend()) === undefined
      ? onHost(seed, shape)
      : tf.engine().runKernel<tf.Tensor>('StatelessUniform', { seed }, { shape });
  };
}

/** Standard normal numbers from uniform ones (Box & Muller 1958). */
export const normalOf =
  (noise: Noise): Noise =>
  (site, shape) => {
    const [radius, angle] = noise(site, [2, ...shape]).unstack();
    if (radius === undefined || angle === undefined) throw new Error('there are two of them');
    // 1 - u is never 0.
    return tf
      .sub(1, radius)
      .log()
      .mul(-2)
      .sqrt()
      .mul(angle.mul(2 * Math.PI).cos());
  };

function onHost(seed: tf.Tensor, shape: number[]): tf.Tensor {
  const [first = 0, second = 0] = seed.dataSync();
  return tf.tensor(
    stateless(
      [first, second],
      shape.reduce((product, size) => product * size, 1),
    ),
    shape,
  );
}

/** FNV-1a, as int32. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}
