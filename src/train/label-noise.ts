/** Training labels that are wrong, the same ones for a whole run: symmetric label noise (Zhang et al. 2017, section 2.1). */
import { stream } from '../engine/random.ts';
import { stateless } from '../philox.ts';
import type { Relabel, TaskShape } from '../types.ts';

/**
 * Replaces this share of the labels by ones drawn uniformly from all classes, so that some stay as they were. One-hot targets
 * and class numbers, of one output or of many. What an example gets follows from its number (modulo 2^32) and the seed, so that
 * nothing has to be kept: generated examples are never met again.
 */
export function labelNoise(
  share: number,
  { output, times = 1, target = times * output }: TaskShape,
  seed: number,
): Relabel {
  const isOneHot = target === times * output;
  const size = isOneHot ? output : 1;
  const key = Math.floor(stream('label_noise', seed).uniform() * 2 ** 32) | 0;
  return (example, values) => {
    const drawn = stateless([key, example], 2 * (target / size));
    for (let i = 0; i < target / size; i++) {
      if ((drawn[2 * i] ?? 1) >= share) continue;
      const label = Math.floor((drawn[2 * i + 1] ?? 0) * output);
      values.fill(isOneHot ? 0 : label, i * size, (i + 1) * size);
      if (isOneHot) values[i * size + label] = 1;
    }
  };
}
