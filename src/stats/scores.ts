import { median } from './quantile.ts';

/**
 * Aggregates of scores over runs and tasks, as in rliable (Agarwal et al. 2021, "Deep RL at the edge of the statistical
 * precipice"). Scores are normalised, higher is better; a list for each task, in it one score for each run.
 */
export type Scores = readonly ArrayLike<number>[];

/** Mean over tasks of the mean over runs. */
export const meanScore = (scores: Scores): number => mean(scores.map(mean));

/** Median over tasks of the mean over runs. One or two tasks decide it, and half of them can be at 0. */
export const medianScore = (scores: Scores): number => median(scores.map(mean));

/**
 * Interquartile mean: of all scores together the lowest and the highest quarter (rounded down) left out, the mean of the rest.
 * Less moved by a single run than the mean, less wasteful than the median.
 */
export function interquartileMean(scores: Scores): number {
  const all = Float64Array.from(flat(scores)).sort();
  const cut = Math.floor(all.length / 4);
  return mean(all.subarray(cut, all.length - cut));
}

/** How far scores fall short of `gamma`; what lies above it doesn't make up for what lies below. */
export const optimalityGap = (scores: Scores, gamma = 1): number =>
  gamma - mean(flat(scores).map((score) => Math.min(score, gamma)));

/** Of all runs of all tasks the share with a score above each of `taus`: the performance profile (Agarwal et al. 2021, 4.2). */
export function scoreProfile(scores: Scores, taus: readonly number[]): number[] {
  const all = Float64Array.from(flat(scores)).sort();
  return taus.map((tau) => (all.length - countUpTo(all, tau)) / all.length);
}

/** How many of ascending `values` are at most `limit`. */
function countUpTo(values: Float64Array, limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * P(X > Y): that a run of X does better than a run of Y on the same task, mean over tasks; equal scores count half. On one
 * task it is the Mann-Whitney U over the number of pairs (Agarwal et al. 2021, 4.3).
 */
export function probabilityOfImprovement(x: Scores, y: Scores): number {
  const each = x.map((own, task) => {
    const others = y[task] ?? [];
    let wins = 0;
    for (let i = 0; i < own.length; i++) {
      for (let j = 0; j < others.length; j++) {
        const [ours = 0, theirs = 0] = [own[i], others[j]];
        wins += ours > theirs ? 1 : ours === theirs ? 0.5 : 0;
      }
    }
    return wins / (own.length * others.length);
  });
  return mean(each);
}

const flat = (scores: Scores): number[] => scores.flatMap((own) => Array.from(own));

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return sum / values.length;
}
