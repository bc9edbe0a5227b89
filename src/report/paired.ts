/** Two configurations seed by seed. */
import type { Expectation } from '../manifest.ts';
import { hodgesLehmann } from '../stats/hodges-lehmann.ts';
import { mcnemar } from '../stats/mcnemar.ts';
import { pairedDifference } from '../stats/paired-difference.ts';
import { signedRank } from '../stats/signed-rank.ts';
import type { Comparison } from './comparison.ts';
import type { Config, Run, Setting } from './design.ts';
import { number, text } from './row.ts';

export interface How {
  /** Of runs.csv. */
  column: string;
  better: 'higher' | 'lower';
  isDeclared: boolean;
  expected?: Expectation | undefined;
}

/** Runs of two configurations with the same seed, and how much better those of the member did; no verdict yet. */
export function comparePairs(
  setting: Setting,
  member: Config,
  baseline: Config,
  { column, better, isDeclared, expected }: How,
): Comparison {
  const bySeed = new Map(baseline.runs.map((run) => [run.seed, run]));
  const pairs = member.runs.flatMap((ours) => {
    const theirs = bySeed.get(ours.seed);
    return theirs !== undefined && hasResult(ours, column) && hasResult(theirs, column) ? [{ ours, theirs }] : [];
  });
  const differences = pairs.map(({ ours, theirs }) =>
    pairedDifference(score(ours, column), score(theirs, column), better),
  );
  const none = (run: Run) => !Number.isFinite(score(run, column) ?? Number.NaN);
  const only = (diverged: Run, fine: Run) => diverged.divergedAt !== undefined && fine.divergedAt === undefined;
  return {
    title: member.name,
    setting,
    member,
    baseline,
    pairs: pairs.length,
    divergedMember: pairs.filter(({ ours }) => ours.divergedAt !== undefined).length,
    divergedBaseline: pairs.filter(({ theirs }) => theirs.divergedAt !== undefined).length,
    mcnemar: mcnemar(
      pairs.filter(({ ours, theirs }) => only(ours, theirs)).length,
      pairs.filter(({ ours, theirs }) => only(theirs, ours)).length,
    ),
    seeds: pairs.map(({ ours }) => ours.seed),
    differences,
    lostInBoth: pairs.map(({ ours, theirs }) => none(ours) && none(theirs)),
    lost: {
      member: pairs.filter(({ ours }) => none(ours)).length,
      baseline: pairs.filter(({ theirs }) => none(theirs)).length,
    },
    shift: hodgesLehmann(differences),
    declared: isDeclared,
    ...(expected && { expected }),
    p: signedRank(differences).p,
    holm: undefined,
    equivalence: undefined,
    verdict: 'descriptive',
  };
}

/**
 * A diverged run has a result, the worst one, and so has one that never reached the target; else a completed run needs the value (a
 * split may not have been evaluated).
 */
const hasResult = (run: Run, column: string): boolean =>
  run.divergedAt !== undefined || column === 'steps_to_target' || text(run.row, column) !== '';

const score = (run: Run, column: string): number | undefined =>
  run.divergedAt === undefined ? number(run.row, column) : undefined;
