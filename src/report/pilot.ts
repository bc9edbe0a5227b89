/** How much paired differences vary in earlier results. */
import { UsageError } from '../types.ts';
import { declaredComparison } from './comparison.ts';
import { design } from './design.ts';
import { readResultSet } from './read.ts';

/**
 * Standard deviations over seeds of the differences from the baseline, one for each comparison in which they vary.
 *
 * @throws UsageError where the results declare no comparison
 */
export async function pilotOf(folder: string): Promise<{ folder: string; metric: string; deviations: number[] }> {
  const { manifest, runs } = await readResultSet(folder);
  const declared = declaredComparison(design(runs, manifest), manifest);
  if (declared === undefined)
    throw new UsageError(`${folder}: declares no comparison (compare), so it has no differences`);
  const deviations = declared.comparisons.flatMap(({ differences }) => {
    const finite = differences.filter(Number.isFinite);
    const deviation = finite.length < 2 ? 0 : deviationOf(finite);
    // A threshold that never clips gives the baseline's own runs: nothing varies.
    return deviation === 0 ? [] : [deviation];
  });
  return { folder, metric: declared.compare.metric, deviations };
}

/** With n - 1. */
function deviationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return Math.sqrt(squares / (values.length - 1));
}
