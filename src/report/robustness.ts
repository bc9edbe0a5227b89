/** What would change the answer: the declared tests again with a seed less, at the other evaluation, and what they leave open. */
import type { Manifest } from '../manifest.ts';
import { holm } from '../stats/holm.ts';
import { smallestP } from '../stats/sign-flip.ts';
import { signedRank } from '../stats/signed-rank.ts';
import { type Comparison, type Declared, declaredComparison, type Verdict, verdictOf } from './comparison.ts';
import type { Design } from './design.ts';

export interface Robustness {
  /** Verdicts of better or worse. */
  decided: number;
  /** Of the family. */
  seeds: number;
  /** Whether with one seed less any verdict of the family could have been reached. */
  hasSlack: boolean;
  /** Verdicts that are lost without one of the seeds, and how many of the seeds that holds for. */
  fragile: { comparison: Comparison; seeds: number }[];
  /** The verdicts that differ if the other evaluation is taken, the best for the last. */
  otherwise: { at: 'final' | 'best'; changed: { comparison: Comparison; verdict: Comparison['verdict'] }[] };
  /** Of the comparisons that don't separate: the one whose interval reaches furthest from 0. */
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
  const seeds = [...new Set(family.flatMap((comparison) => comparison.seeds))];
  const without = seeds.map((seed) => withoutSeed(family, seed));
  const fragile = decided.flatMap((comparison) => {
    const index = family.indexOf(comparison);
    const lost = without.filter((verdicts) => verdicts[index] !== comparison.verdict);
    return lost.length === 0 ? [] : [{ comparison, seeds: lost.length }];
  });
  const at = declared.compare.at === 'final' ? 'best' : 'final';
  // A margin in steps says nothing of a loss.
  const { margin, ...compare } = declared.compare;
  const keeps = margin !== undefined && compare.at !== 'steps_to_target';
  const other = declaredComparison(design, {
    ...manifest,
    compare: { ...compare, at, ...(keeps && { margin }) },
  });
  const comparable = (verdict: Verdict) => (verdict === 'equivalent' && !keeps ? 'not separated' : verdict);
  const changed = possible.flatMap((comparison) => {
    const again = other?.comparisons[declared.comparisons.indexOf(comparison)];
    return again === undefined || again.verdict === comparable(comparison.verdict)
      ? []
      : [{ comparison, verdict: again.verdict }];
  });
  const open = possible.filter(({ verdict }) => verdict === 'not separated');
  return {
    decided: decided.length,
    seeds: seeds.length,
    hasSlack: without.some((verdicts) => verdicts.some((verdict) => verdict !== 'not possible')),
    fragile,
    otherwise: { at, changed },
    widest: open.reduce<Comparison | undefined>(
      (a, b) => (a === undefined || roomOf(b) > roomOf(a) ? b : a),
      undefined,
    ),
  };
}

/** The verdicts of the family by the study with one seed less: without it in any comparison, since Holm counts them all. */
function withoutSeed(family: readonly Comparison[], seed: number): Verdict[] {
  const left = family.map((own) => {
    const differences = own.differences.filter((_, i) => own.seeds[i] !== seed);
    return { ...own, differences, pairs: differences.length };
  });
  const adjusted = holm(left.map(({ differences }) => signedRank(differences).p));
  const reachable = holm(left.map(({ pairs }) => smallestP(pairs)));
  return left.map((own, i) => verdictOf(own, adjusted[i] ?? 1, reachable[i] ?? 1));
}

const roomOf = ({ shift }: Comparison): number => Math.max(Math.abs(shift.low), Math.abs(shift.high));
