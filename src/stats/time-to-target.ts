/** Who reaches a target fastest, over workloads: performance profiles (Dolan & More 2002) and the score of AlgoPerf (Dahl et al. 2023). */

/** Times of strategies by workload, Infinity where the target was missed; all strategies have the same workloads. */
export type Times = readonly (readonly number[])[];

/** Beyond so many times the fastest it counts as missed. */
const LIMIT = 4;

/**
 * For every strategy and workload its time over that of the fastest strategy there: 1 for the fastest, Infinity where the target was
 * missed or reached after more than `limit` times the fastest. Depends on who competes.
 */
export function timeRatios(times: Times, limit = LIMIT): number[][] {
  const fastest = (times[0] ?? []).map((_, w) => Math.min(...times.map((own) => own[w] ?? Infinity)));
  return times.map((own) =>
    own.map((time, w) => {
      const best = fastest[w] ?? Infinity;
      // 0 of 0: a target met at the start is met as fast as can be.
      const ratio = time === best && best < Infinity ? 1 : time / best;
      return ratio <= limit ? ratio : Infinity;
    }),
  );
}

/** Share of workloads with a ratio of at most tau, for each tau: a right-continuous step. */
export const ratioProfile = (ratios: readonly number[], taus: readonly number[]): number[] =>
  taus.map((tau) => ratios.filter((ratio) => ratio <= tau).length / ratios.length);

/**
 * The area under each strategy's profile from 1 to `limit`, divided by limit - 1: 1 for a strategy that is the fastest everywhere, 0 for one
 * that never comes within `limit` times. Exact, as the mean over workloads of max(0, limit - ratio) / (limit - 1), where AlgoPerf's own
 * code adds up trapezoids.
 */
export function algoperfScores(times: Times, limit = LIMIT): number[] {
  return timeRatios(times, limit).map(
    (ratios) => ratios.reduce((sum, ratio) => sum + Math.max(0, limit - ratio) / (limit - 1), 0) / ratios.length,
  );
}
