/** Which of several trials is chosen. */
import { median } from './quantile.ts';

/**
 * The trial with the best median over its seeds, the earliest of equals. Higher scores are better; a run without one (diverged)
 * counts as the worst there can be.
 *
 * @param trials scores of each trial, one for each seed; undefined for a run without one
 */
export function bestTrial(trials: readonly (readonly (number | undefined)[])[]): number {
  const middles = trials.map((scores) => median(scores.map(orWorst)));
  return middles.indexOf(Math.max(...middles));
}

/** Of a score that isn't there, or isn't a number. */
export const orWorst = (score: number | undefined): number =>
  score === undefined || Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
