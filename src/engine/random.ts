/**
 * Named streams of random numbers. None depends on the strategy, its threshold or the optimizer, so that everything
 * compared meets the same batches, and the same layers start equal (see `train/loop.ts` for the names in use).
 */
import seedrandom from 'seedrandom';
import { canonical } from '../canonical.ts';
import { permutation } from '../permutation.ts';
import type { Stream } from '../types.ts';

/** The stream with this name: the same numbers on every backend, machine and Node version. */
export function stream(...name: unknown[]): Stream {
  const uniform = seedrandom.alea(canonical(name));
  let spare: number | undefined;
  return {
    uniform,
    /** Box-Muller; `1 - uniform()` keeps the logarithm away from 0. */
    normal() {
      if (spare !== undefined) {
        const saved = spare;
        spare = undefined;
        return saved;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    permutation: (n) => permutation(n, uniform),
  };
}
