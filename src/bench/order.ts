/** In which order variants take turns. Pure. */
import { stream } from '../engine/random.ts';

/**
 * The variants' places in each pass of one process: an order drawn from the seed, there and back, then another. So none always comes after
 * the same one, and what drifts evenly meets all alike.
 *
 * @param passes even
 */
export function orderOf(variants: number, passes: number, seed: number, group: string, process: number): number[][] {
  return Array.from({ length: passes / 2 }, (_, block) => {
    const there = [...stream('bench order', seed, group, process, block).permutation(variants)];
    return [there, there.toReversed()];
  }).flat();
}
