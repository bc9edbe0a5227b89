/** What would change the answer: the declared tests again with a seed less, at the other evaluation, and what they leave open. */
import type { Manifest } from '../manifest.ts';
import { holm } from '../stats/holm.ts';
import { smallestP } from '../stats/sign-flip.ts';
import { signedRank } from '../stats/signed-rank.ts';
import { type Comparison, type Declared, declaredComparison, verdictOf } from './comparison.ts';
import type { Design } from './design.ts';

export interface Robustness {
  /** Verdicts of better or worse. */
  decided: number;
  /** Whether with one seed less there could have been any of these. */
  hasSlack: boolean;
  /** Verdicts that are lost without one of their seeds, and how many of the seeds that holds for. */
  fragile: { comparison: Comparison; seeds: number }[];
  /** The verdicts that differ if the other evaluation is taken, the best for the last. */
  otherwise: { at: 'final' | 'best'; changed: { comparison: Comparison; verdict: Comparison['verdict'] }[] };
  /** Of the comparisons that don't separate: the one that leaves room for the largest difference. */
  widest: Comparison | undefined;
}

/** Undefined where no verdict was given: then there is no answer to change. */
export function robustnessOf(
  declared: Declared | undefined,
  design: Design,
  manifest: Manifest,
): Robustness | undefined {
  const family = declared?.comparisons.filter((comparison) => comparison.declared) ?? [];
  const possible = family.filter(({ verdict }) => ['better', 'worse', 'equivalent', 'not separated'].includes(verdict));
  if (declared === undefined || possible.length === 0) return undefined;
  const decided = possible.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  const without = decided.map((comparison) => ({ comparison, seeds: seedsThatDecide(comparison, family) }));
  const fragile = without.filter(({ seeds }) => seeds > 0);
  const at = declared.compare.at === 'final' ? 'best' : 'final';
  const other = declaredComparison(design, { ...manifest, compare: { ...declared.compare, at } });
  const changed = possible.flatMap((comparison) => {
    const again = other?.comparisons[declared.comparisons.indexOf(comparison)];
    return again === undefined || again.verdict === comparison.verdict ? [] : [{ comparison, verdict: again.verdict }];
  });
  const open = possible.filter(({ verdict }) => verdict === 'not separated');
  return {
    decided: decided.length,
    hasSlack: decided.length > 0 && decided.some(({ pairs }) => canDecide(pairs - 1, family)),
    fragile,
    otherwise: { at, changed },
    widest: open.reduce<Comparison | undefined>(
      (a, b) => (a === undefined || roomOf(b) > roomOf(a) ? b : a),
      undefined,
    ),
  };
}

/** How many seeds there are without which the verdict would be another, everything else as it is. */
function seedsThatDecide(comparison: Comparison, family: readonly Comparison[]): number {
  return comparison.differences.filter((_, left) => {
    const differences = comparison.differences.filter((_, i) => i !== left);
    const pairs = comparison.pairs - 1;
    const index = family.indexOf(comparison);
    const adjusted = holm(family.map((own) => (own === comparison ? signedRank(differences).p : own.p)));
    const reachable = holm(family.map((own) => smallestP(own === comparison ? pairs : own.pairs)));
    const again = verdictOf({ ...comparison, differences, pairs }, adjusted[index] ?? 1, reachable[index] ?? 1);
    return again !== comparison.verdict;
  }).length;
}

/** Whether so many pairs could decide one of the family, the others as they are. */
function canDecide(pairs: number, family: readonly Comparison[]): boolean {
  return family.some((comparison, index) => {
    const reachable = holm(family.map((own) => smallestP(own === comparison ? pairs : own.pairs)));
    const best = { ...comparison, pairs, differences: Array.from({ length: pairs }, () => 1) };
    return verdictOf(best, reachable[index] ?? 1, reachable[index] ?? 1) !== 'not possible';
  });
}

const roomOf = ({ shift }: Comparison): number => Math.max(Math.abs(shift.low), Math.abs(shift.high));
