/** The comparison that was declared before running, worked out: who did better than the baseline, and what may be said. */
import { isMeant } from '../addresses.ts';
import { baselineName, baselineOf, type Compare, type Expectation, type Manifest, memberOf } from '../manifest.ts';
import { equivalence } from '../stats/equivalence.ts';
import type { Shift } from '../stats/hodges-lehmann.ts';
import { holm } from '../stats/holm.ts';
import { smallestP } from '../stats/sign-flip.ts';
import { signedRank } from '../stats/signed-rank.ts';
import type { Config, Design, Setting } from './design.ts';
import { type Html, html } from './html.ts';
import { comparePairs } from './paired.ts';
import { metricWords } from './vary.ts';

/** Chance of any false verdict in the family. */
export const LEVEL = 0.05;
/** With fewer pairs no two-sided sign-flip p can reach 0.05. */
export const MIN_SEEDS = 6;

/** Withheld: who is compared, and how often, was or is still open when results were already there, or runs failed. */
export const verdicts = [
  'better',
  'worse',
  'equivalent',
  'not separated',
  'not possible',
  'withheld',
  'descriptive',
] as const;
export type Verdict = (typeof verdicts)[number];

export interface Comparison {
  /** What stands in tables and figures: the member's name, and what it is compared with where that isn't the baseline. */
  title: string;
  setting: Setting;
  /** Where the two ran, if at different settings. */
  places?: { member: string; baseline: string };
  member: Config;
  baseline: Config;
  /** Pairs of runs with the same seed that both finished. */
  pairs: number;
  divergedMember: number;
  divergedBaseline: number;
  /** Exact McNemar p of the two divergence counts; describes, no verdict rests on it. */
  mcnemar: number;
  /** Of the pairs. */
  seeds: number[];
  /** Per pair: how much better the member was; infinite where one of the two diverged. */
  differences: number[];
  /** Per pair: whether neither has a value, so that it is a tie of unknown size. */
  lostInBoth: boolean[];
  /** On how many of the pairs each has none: it diverged, or never reached the target. */
  lost: { member: number; baseline: number };
  shift: Shift;
  /** In the declared family: counts under Holm and gets a verdict. */
  declared: boolean;
  /** What was expected before anything ran, where something was. */
  expected?: Expectation;
  p: number;
  /** Adjusted over the family; undefined outside it. */
  holm: number | undefined;
  /** p of equivalence within the declared margin, adjusted over the family; undefined without a margin. */
  equivalence: number | undefined;
  verdict: Verdict;
}

type Entry = NonNullable<Compare['family']>[number];

export interface Declared {
  compare: Compare;
  comparisons: Comparison[];
  /** Comparisons under Holm. */
  family: number;
  /** Fewest and most pairs in the family. */
  pairs: { fewest: number; most: number };
  /** The smallest p of the family before and after Holm, whatever the data. */
  smallest: { p: number; holm: number };
  /** Entries of the declared family that gave no comparison, and those of them of which something was expected. */
  missing: { entries: number; expected: number };
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

/** Where what is declared stands in runs.csv, and which direction is better; undefined where a task has no such metric. */
export function outcomeOf(setting: Setting, { metric, at }: Pick<Compare, 'metric' | 'at'>) {
  const measure = measureOf(setting, metric);
  if (measure === undefined) return undefined;
  if (at === 'steps_to_target') return { column: at, better: 'lower' as const };
  return { column: at === 'area' ? at : `${at}_${measure.split}_${measure.kind}`, better: measure.better };
}

/** What is compared, and when, in words. */
export function outcomeWords({ metric, at }: Pick<Compare, 'metric' | 'at'>): { what: string; when: string } {
  const what = metricWords(metric);
  if (at === 'steps_to_target') return { what: `steps until ${what} reached its target`, when: '' };
  const when = { final: 'after the last step', best: 'at the best evaluation', area: 'averaged over training' };
  return { what, when: ` ${when[at]}` };
}

/** What makes a run the worst: without a value to compare. */
export const lost = ({ at }: Pick<Compare, 'at'>): string =>
  at === 'steps_to_target'
    ? 'diverged, or never reached the target,'
    : 'diverged, or whose last value is NaN or infinite,';

/** `norm 1 at rnn`, for a comparison as the subject of a sentence. */
export function subjectOf({ title, setting, member, baseline, places }: Comparison): Html {
  const name = (own: string) => html`<code>${own}</code>`;
  return places === undefined
    ? html`${name(title)} at ${setting.label}`
    : html`${name(member.name)} at ${places.member} (against ${name(baseline.name)} at ${places.baseline})`;
}

/** Whether a verdict could be picked by its result: by stopping early, by declaring late, or by what made runs fail. */
export const isWithheld = ({ finished, compare_changed, failed }: Manifest): boolean =>
  finished === undefined || compare_changed !== undefined || failed > 0;

export function declaredComparison(design: Design, manifest: Manifest): Declared | undefined {
  const { compare } = manifest;
  if (compare === undefined) return undefined;
  const notes: string[] = [];
  const open = design.settings.flatMap((setting) => {
    const measure = outcomeOf(setting, compare);
    const candidates = setting.configs.filter((config) => isMember(config, baselineOf(compare)));
    const [baseline, ...others] = candidates;
    if (measure === undefined) {
      notes.push(`${setting.label}: task ${setting.task} reports no metric called ${compare.metric}.`);
    } else if (baseline === undefined || others.length > 0) {
      const what =
        baseline === undefined ? 'has no finished run here' : `has ${candidates.length} configurations, not one`;
      notes.push(`${setting.label}: nothing to compare with, since the baseline ${baselineName(compare)} ${what}.`);
    } else {
      return setting.configs
        .filter((config) => config !== baseline)
        .map((member) => {
          const entry = compare.family?.map(memberOf).find((one) => !one.against && isMember(member, one.runs));
          const isDeclared = compare.family === undefined || entry !== undefined;
          return comparePairs(setting, member, baseline, { ...measure, isDeclared, ...entry });
        });
    }
    return [];
  });
  const missing: Entry[] = [];
  open.push(...acrossSettings(design, compare, { notes, missing }));
  const family = open.filter((comparison) => comparison.declared);
  const adjusted = holm(family.map((comparison) => comparison.p));
  const reachable = holm(family.map((comparison) => smallestP(comparison.pairs)));
  const { margin } = compare;
  const equivalent =
    margin === undefined ? [] : holm(family.map((comparison) => equivalence(sizes(comparison), margin)));
  for (const [index, comparison] of family.entries()) {
    comparison.holm = adjusted[index] ?? 1;
    comparison.equivalence = equivalent[index];
    comparison.verdict = isWithheld(manifest)
      ? 'withheld'
      : verdictOf(comparison, comparison.holm, reachable[index] ?? 1);
  }
  for (const entry of compare.family ?? []) {
    const { runs, against } = memberOf(entry);
    if (against !== undefined || open.some((comparison) => isMember(comparison.member, runs))) continue;
    missing.push(entry);
    const ran = design.settings.some(({ configs }) => configs.some((config) => isMember(config, runs)));
    const why = ran ? 'for which there is no baseline' : 'which no finished run matches';
    notes.push(`The declared family names ${JSON.stringify(entry)}, ${why}.`);
  }
  const pairs = family.map((comparison) => comparison.pairs);
  const range = pairs.length === 0 ? { fewest: 0, most: 0 } : { fewest: Math.min(...pairs), most: Math.max(...pairs) };
  const smallest = { p: smallestP(range.most), holm: Math.min(1, ...reachable) };
  const lacking = { entries: missing.length, expected: missing.filter((entry) => memberOf(entry).expected).length };
  return { compare, comparisons: open, family: family.length, pairs: range, smallest, missing: lacking, notes };
}

/** Comparisons of the family that name what they are against, such as the same with another learning rate, or another model. */
function acrossSettings(
  design: Design,
  compare: Compare,
  without: { notes: string[]; missing: Entry[] },
): Comparison[] {
  const all = design.settings.flatMap((setting) => setting.configs.map((config) => ({ setting, config })));
  return (compare.family ?? []).flatMap((entry) => {
    const { runs, against, expected } = memberOf(entry);
    if (against === undefined) return [];
    const [members = [], baselines = []] = [runs, against].map((meant) =>
      all.filter(({ config }) => isMember(config, meant)),
    );
    const [member, baseline] = [members[0], baselines[0]];
    const measure = member && outcomeOf(member.setting, compare);
    if (!member || !baseline || !measure || members.length > 1 || baselines.length > 1) {
      without.missing.push(entry);
      without.notes.push(
        `The declared family names ${JSON.stringify(entry)}: it takes one configuration on either side.`,
      );
      return [];
    }
    const isHere = member.setting === baseline.setting;
    const label = `${member.setting.label}, ${isHere ? 'other pairs' : `against ${baseline.setting.label}`}`;
    const how = { ...measure, isDeclared: true, expected };
    const compared = comparePairs({ ...member.setting, label }, member.config, baseline.config, how);
    const isSame = member.config.name === baseline.config.name;
    const places = { member: member.setting.label, baseline: baseline.setting.label };
    return [
      {
        ...compared,
        ...(!isHere && { places }),
        title: isSame ? compared.title : `${compared.title} against ${baseline.config.name}`,
      },
    ];
  });
}

/** Two that diverged are ties in rank, but no evidence that what they would have come to is close. */
const sizes = ({ differences, lostInBoth }: Comparison): number[] =>
  differences.map((difference, i) => (lostInBoth[i] === true ? Number.POSITIVE_INFINITY : difference));

/** @param reachable the smallest p that the number of pairs can reach, as `adjusted` over the family */
export function verdictOf(comparison: Comparison, adjusted: number, reachable: number): Verdict {
  if (comparison.pairs < MIN_SEEDS || reachable > LEVEL) return 'not possible';
  if (adjusted > LEVEL) return (comparison.equivalence ?? 1) <= LEVEL ? 'equivalent' : 'not separated';
  const { positive, negative } = signedRank(comparison.differences);
  return positive > negative ? 'better' : 'worse';
}

export const isMember = (member: Config, meant: Record<string, unknown>): boolean =>
  member.runs.every((run) => isMeant(run.row, meant));
