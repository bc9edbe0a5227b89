/** Units left out at random in training (Srivastava et al. 2014), the others scaled up so that evaluation needs no factor. */
import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { ModelContext } from '../types.ts';

export const dropoutOption = z
  .number()
  .min(0)
  .lt(1)
  .default(0)
  .meta({ description: 'share of units left out in training', role: 'numeric', absent: 0 });

/**
 * `h` with entries set to 0 where the noise of this site and step is below the rate.
 *
 * @param present whether the model has dropout at all: its structural option, true where the rate isn't 0
 * @param axis the axis of `h` that counts the examples
 */
export function dropout(
  h: tf.Tensor,
  site: string,
  present: boolean,
  { training, noise, options }: ModelContext,
  axis = 0,
): tf.Tensor {
  const rate = options?.dropout;
  if (!present || !training || noise === undefined || rate === undefined) return h;
  const kept = noise(site, h.shape, axis).greaterEqual(rate).toFloat();
  return h.mul(kept).div(rate.neg().add(1));
}
