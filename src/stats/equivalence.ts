import { midranks } from './midranks.ts';
import { signFlipDistribution } from './sign-flip.ts';

/**
 * p of two one-sided signed-rank tests (Schuirmann 1987; Wellek 2010, section 5.4): small where paired differences are typically less than
 * `margin` from 0, on either side. Exact, also with ties; both tests have to reject, so it is the larger of their p. Infinite differences
 * (a run that diverged, or two of which neither has a value) are beyond every margin.
 *
 * @param margin positive, in the unit of the differences
 */
export function equivalence(differences: readonly number[], margin: number): number {
  return Math.max(above(differences.map((own) => own + margin)), above(differences.map((own) => margin - own)));
}

/** One-sided p that differences are typically above 0: the share of sign patterns with positive ranks that sum to as much, or more. */
function above(differences: readonly number[]): number {
  const nonzero = differences.filter((difference) => difference !== 0);
  const doubled = midranks(nonzero.map(Math.abs)).map((rank) => 2 * rank);
  const sum = doubled.reduce((total, rank, i) => total + ((nonzero[i] ?? 0) > 0 ? rank : 0), 0);
  return signFlipDistribution(doubled)
    .subarray(sum)
    .reduce((total, probability) => total + probability, 0);
}
