/** Training labels that are wrong, the same ones for a whole run: symmetric label noise (Zhang et al. 2017, section 2.1). */
import { stream } from '../engine/random.ts';
import type { Relabel, TaskShape } from '../types.ts';

/**
 * Replaces this share of the labels by ones drawn uniformly from all classes, so that some stay as they were. One-hot targets
 * and class numbers, of one output or of many.
 */
export function labelNoise(
  share: number,
  { output, times = 1, target = times * output }: TaskShape,
  seed: number,
): Relabel {
  const isOneHot = target === times * output;
  const size = isOneHot ? output : 1;
  const drawn = new Map<number, (number | undefined)[]>();
  const draw = (example: number) => {
    const { uniform } = stream('label_noise', seed, example);
    const labels = Array.from({ length: target / size }, () => {
      const [isWrong, label] = [uniform() < share, Math.floor(uniform() * output)];
      return isWrong ? label : undefined;
    });
    drawn.set(example, labels);
    return labels;
  };
  return (example, values) => {
    for (const [i, label] of (drawn.get(example) ?? draw(example)).entries()) {
      if (label === undefined) continue;
      values.fill(isOneHot ? 0 : label, i * size, (i + 1) * size);
      if (isOneHot) values[i * size + label] = 1;
    }
  };
}
