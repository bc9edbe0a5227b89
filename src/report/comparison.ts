/** The comparison that was declared before running, worked out: who did better than the baseline, and what may be said. */
import { isMeant } from '../addresses.ts';
import { baselineName, baselineOf, type Compare, type Expectation, type Manifest, memberOf } from '../manifest.ts';
import { hodgesLehmann, type Shift } from '../stats/hodges-lehmann.ts';
import { holm } from '../stats/holm.ts';
import { mcnemar } from '../stats/mcnemar.ts';
import { pairedDifference } from '../stats/paired-difference.ts';
import { smallestP } from '../stats/sign-flip.ts';
import { signedRank } from '../stats/signed-rank.ts';
import type { Config, Design, Run, Setting } from './design.ts';
import { number, text } from './row.ts';

/** Chance of any false verdict in the family. */
export const LEVEL = 0.05;
/** With fewer pairs no two-sided sign-flip p can reach 0.05. */
export const MIN_SEEDS = 6;

export const verdicts = ['better', 'worse', 'not separated', 'not possible', 'descriptive'] as const;
export type Verdict = (typeof verdicts)[number];

export interface Comparison {
  /** What stands in tables and figures: the member's name, and what it is compared with where that isn't the baseline. */
  title: string;
  setting: Setting;
  member: Config;
  baseline: Config;
  /** Pairs of runs with the same seed that both finished. */
  pairs: number;
  divergedMember: number;
  divergedBaseline: number;
  /** Exact McNemar p of the two divergence counts; describes, no verdict rests on it. */
  mcnemar: number;
  /** Per seed: how much better the member was; infinite where one of the two diverged. */
  differences: number[];
  shift: Shift;
  /** In the declared family: counts under Holm and gets a verdict. */
  declared: boolean;
  /** What was expected before anything ran, where something was. */
  expected?: Expectation;
  p: number;
  /** Adjusted over the family; undefined outside it. */
  holm: number | undefined;
  verdict: Verdict;
}

export interface Declared {
  compare: Compare;
  comparisons: Comparison[];
  /** Comparisons under Holm. */
  family: number;
  /** Fewest and most pairs in the family. */
  pairs: { fewest: number; most: number };
  /** The smallest p of the family before and after Holm, whatever the data. */
  smallest: { p: number; holm: number };
  /** Settings or declarations that gave no comparison, and why. */
  notes: string[];
}

/** Where a metric name such as `val_accuracy` stands in runs.csv at a setting, or undefined where its task has no such metric. */
export function measureOf({ metric: own }: Setting, name: string) {
  const split = name.slice(0, name.indexOf('_'));
  const metric = name.slice(split.length + 1);
  if (metric === 'loss') return { split, kind: 'loss' as const, better: 'lower' as const };
  return own?.name === metric ? { split, kind: 'metric' as const, better: own.better } : undefined;
}

export function declaredComparison(design: Design, manifest: Manifest): Declared | undefined {
  const { compare } = manifest;
  if (compare === undefined) return undefined;
  const notes: string[] = [];
  const open = design.settings.flatMap((setting) => {
    const measure = measureOf(setting, compare.metric);
    const candidates = setting.configs.filter((config) => isMember(config, baselineOf(compare)));
    const [baseline, ...others] = candidates;
    if (measure === undefined) {
      notes.push(`${setting.label}: task ${setting.task} reports no metric called ${compare.metric}.`);
    } else if (baseline === undefined || others.length > 0) {
      const what =
        baseline === undefined ? 'has no finished run here' : `has ${candidates.length} configurations, not one`;
      notes.push(`${setting.label}: nothing to compare with, since the baseline ${baselineName(compare)} ${what}.`);
    } else {
      const column = `${compare.at}_${measure.split}_${measure.kind}`;
      return setting.configs
        .filter((config) => config !== baseline)
        .map((member) => {
          const entry = compare.family?.map(memberOf).find((one) => !one.against && isMember(member, one.runs));
          const isDeclared = compare.family === undefined || entry !== undefined;
          return comparePairs(setting, member, baseline, { column, better: measure.better, isDeclared, ...entry });
        });
    }
    return [];
  });
  open.push(...acrossSettings(design, compare, notes));
  const family = open.filter((comparison) => comparison.declared);
  const adjusted = holm(family.map((comparison) => comparison.p));
  const reachable = holm(family.map((comparison) => smallestP(comparison.pairs)));
  for (const [index, comparison] of family.entries()) {
    comparison.holm = adjusted[index] ?? 1;
    comparison.verdict = verdictOf(comparison, comparison.holm, reachable[index] ?? 1);
  }
  for (const entry of compare.family ?? []) {
    const { runs, against } = memberOf(entry);
    if (against !== undefined || open.some((comparison) => isMember(comparison.member, runs))) continue;
    notes.push(`The declared family names ${JSON.stringify(entry)}, which no finished run matches.`);
  }
  const pairs = family.map((comparison) => comparison.pairs);
  const range = pairs.length === 0 ? { fewest: 0, most: 0 } : { fewest: Math.min(...pairs), most: Math.max(...pairs) };
  const smallest = { p: smallestP(range.most), holm: Math.min(1, ...reachable) };
  return { compare, comparisons: open, family: family.length, pairs: range, smallest, notes };
}

/** Comparisons of the family that name what they are against, such as the same with another learning rate, or another model. */
function acrossSettings(design: Design, compare: Compare, notes: string[]): Comparison[] {
  const all = design.settings.flatMap((setting) => setting.configs.map((config) => ({ setting, config })));
  return (compare.family ?? []).flatMap((entry) => {
    const { runs, against, expected } = memberOf(entry);
    if (against === undefined) return [];
    const [members = [], baselines = []] = [runs, against].map((meant) =>
      all.filter(({ config }) => isMember(config, meant)),
    );
    const [member, baseline] = [members[0], baselines[0]];
    const measure = member && measureOf(member.setting, compare.metric);
    if (!member || !baseline || !measure || members.length > 1 || baselines.length > 1) {
      notes.push(`The declared family names ${JSON.stringify(entry)}: it takes one configuration on either side.`);
      return [];
    }
    const isHere = member.setting === baseline.setting;
    const label = `${member.setting.label}, ${isHere ? 'other pairs' : `against ${baseline.setting.label}`}`;
    const column = `${compare.at}_${measure.split}_${measure.kind}`;
    const how = { column, better: measure.better, isDeclared: true, expected };
    const compared = comparePairs({ ...member.setting, label }, member.config, baseline.config, how);
    const isSame = member.config.name === baseline.config.name;
    return [{ ...compared, title: isSame ? compared.title : `${compared.title} against ${baseline.config.name}` }];
  });
}

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
    differences,
    shift: hodgesLehmann(differences),
    declared: isDeclared,
    ...(expected && { expected }),
    p: signedRank(differences).p,
    holm: undefined,
    verdict: 'descriptive',
  };
}

/** A diverged run has a result, the worst one; a completed run needs the value (a split may not have been evaluated). */
const hasResult = (run: Run, column: string): boolean => run.divergedAt !== undefined || text(run.row, column) !== '';

const score = (run: Run, column: string): number | undefined =>
  run.divergedAt === undefined ? number(run.row, column) : undefined;

/** @param reachable the smallest p that the number of pairs can reach, as `adjusted` over the family */
export function verdictOf(comparison: Comparison, adjusted: number, reachable: number): Verdict {
  if (comparison.pairs < MIN_SEEDS || reachable > LEVEL) return 'not possible';
  if (adjusted > LEVEL) return 'not separated';
  const { positive, negative } = signedRank(comparison.differences);
  return positive > negative ? 'better' : 'worse';
}

const isMember = (member: Config, meant: Record<string, unknown>): boolean =>
  member.runs.every((run) => isMeant(run.row, meant));
