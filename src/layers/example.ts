/** Examples read as a whole, whatever their shape. */
import type { TaskShape } from '../types.ts';

/** Numbers in an example, or anything else of this shape. */
export const sizeOf = (shape: number[]): number => shape.reduce((product, n) => product * n, 1);

/** Why a model that multiplies all numbers of an example by weights, for one output, can't learn a task; or undefined. */
export function refuseSequences({ vocabulary, times }: TaskShape): string | undefined {
  if (vocabulary !== undefined) return 'reads numbers, not tokens';
  return times === undefined ? undefined : 'gives one output for an example, not one for each time';
}
