/** What the declared comparison allows to say, in plain words. Every sentence follows from a count or a verdict. */

import { baselineName, baselineOf, selectionColumn } from '../manifest.ts';
import { neededPairs } from '../stats/sign-flip.ts';
import { type Comparison, type Declared, isMember, LEVEL, MIN_SEEDS, outcomeWords, subjectOf } from './comparison.ts';
import type { Design } from './design.ts';
import { count, pValue, signed, significant, whole } from './format.ts';
import { type Html, html } from './html.ts';
import { smokeAnswer } from './smoke.ts';
import type { Results } from './story.ts';
import { contestsOf } from './trials.ts';

/** Verdicts spelled out one by one; more are counted. */
const SPELLED = 6;

export function answer(story: Results): Html[] {
  const { declared, design, manifest, smoke, compares } = story;
  if (smoke) return smokeAnswer(story);
  if (!compares) {
    const what = story.rows.length === 0 ? 'run' : 'run of phase confirm';
    return [html`No ${what} has finished, so nothing is compared or drawn.`];
  }
  const changed = manifest.compare_changed;
  const verdict =
    declared === undefined
      ? [html`No comparison was declared before running, so this report describes what happened and gives no verdict.`]
      : changed !== undefined
        ? [
            html`${changed.what === 'search' ? 'What tuning tries was changed' : 'The comparison was declared'} after ${count(changed.finished_runs, 'run')} had finished, so there is no verdict.`,
          ]
        : manifest.failed > 0
          ? [failed(manifest.failed)]
          : // Which comparisons there are, and how many, would depend on how far it got.
            manifest.finished === undefined
            ? [html`The run is not finished, so there is no verdict yet.`]
            : [...verdicts(declared), ...absent(declared), ...expected(declared)];
  return [...verdict, ...fruitless(story), ...divergenceWords(design)];
}

/** Where there was nothing to choose by, the first trial stands for all of them. */
function fruitless({ rows, design, manifest }: Results): Html[] {
  if (manifest.tune === undefined) return [];
  const contests = contestsOf(rows, design, manifest);
  const lost = contests.filter(
    ({ trials }) => trials.length > 1 && trials.every(({ value }) => !Number.isFinite(value)),
  );
  if (lost.length === 0) return [];
  const why =
    selectionColumn(manifest.compare) === 'steps_to_target' ? 'reached the target' : 'ended with a finite result';
  const several = design.settings.length > 1;
  const who = lost.map(
    ({ config, setting }, i) => html`${i > 0 && ', '}${name(config.name)}${several && ` at ${setting.label}`}`,
  );
  return [
    html`No trial of ${who} ${why} on more than half of its seeds, so tuning had nothing to choose by, and the first one was run.`,
  ];
}

function verdicts(declared: Declared): Html[] {
  const { compare, comparisons, family, pairs, smallest } = declared;
  const { what, when } = outcomeWords(compare);
  const against = html`${what}${when}, against ${name(baselineName(compare))}`;
  const members = comparisons.filter((comparison) => comparison.declared);
  if (comparisons.length === 0) return [html`Nothing could be compared on ${against}; section 1 says why.`];
  if (family === 0)
    return [html`No finished run belongs to the declared family, so there is no verdict on ${against}.`];
  const possible = members.filter((comparison) => comparison.verdict !== 'not possible');
  if (possible.length === 0) {
    const seeds = `with ${count(pairs.most, 'paired seed')}`;
    const why =
      pairs.most < MIN_SEEDS
        ? `${seeds} the smallest two-sided p is ${pValue(smallest.p)}`
        : `${seeds} and ${count(family, 'comparison')} under Holm the smallest p is ${pValue(smallest.holm)}`;
    const fewer = family > 1 && pairs.most >= MIN_SEEDS ? ', or a family declared narrower' : '';
    const needed = `${whole(neededPairs(family, LEVEL))} seeds${fewer}`;
    return [html`No verdict is possible on ${against}: ${why}, above ${LEVEL}. It would take ${needed}.`];
  }
  const decided = possible.filter(({ verdict }) => verdict !== 'not separated');
  const open = possible.length - decided.length;
  const apart = members.filter(({ baseline }) => !isMember(baseline, baselineOf(compare))).length;
  const others = apart > 0 && `, ${whole(apart)} of them against another that the family names`;
  const intro = html`On ${against}, ${count(family, 'comparison')} under Holm${others}:`;
  if (decided.length > SPELLED) {
    const n = (verdict: string) => whole(decided.filter((comparison) => comparison.verdict === verdict).length);
    return [
      html`${intro} ${n('better')} better, ${n('worse')} worse, ${compare.margin !== undefined && html`${n('equivalent')} equivalent, `}${whole(open)} not separated. Section 1 lists them.`,
      ...undecidable(members),
    ];
  }
  const same = 'from the baseline; that is not evidence of equality.';
  if (decided.length === 0) {
    const none = members.length === 1 ? 'it does not separate' : 'not one separates';
    return [html`${intro} ${none} ${same}`, ...undecidable(members)];
  }
  const rest = `${count(open, 'other comparison')} ${open === 1 ? 'does' : 'do'} not separate ${same}`;
  const sentences = decided.map((comparison) => sentence(comparison, compare));
  return [intro, ...sentences, ...(open === 0 ? [] : [html`${rest}`]), ...undecidable(members)];
}

/** Where other comparisons of the family got a verdict: those that had too few pairs for one. */
function undecidable(members: readonly Comparison[]): Html[] {
  const pairs = members.filter(({ verdict }) => verdict === 'not possible').map((one) => one.pairs);
  if (pairs.length === 0) return [];
  const [fewest, most] = [Math.min(...pairs), Math.max(...pairs)];
  const seeds = `${fewest < most ? `${whole(fewest)} to ` : ''}${count(most, 'paired seed')}`;
  return [
    html`On ${whole(pairs.length)} of them no verdict is possible: ${seeds} could not decide, whatever the data.`,
  ];
}

/** Runs that failed have no result, not even the worst: what is left may be a choice of seeds that nobody made. */
const failed = (n: number): Html =>
  html`${count(n, 'run')} failed, so there is no verdict: which seeds are missing may depend on what happened in them. The errors stand under Runs; the same command with <code>--retry 'failed|timeout'</code> runs ${n === 1 ? 'it' : 'them'} again.`;

/** Of a family that is smaller than it was declared: Holm counts the comparisons that there are. */
function absent({ missing, family }: Declared): Html[] {
  if (missing.entries === 0 || family === 0) return [];
  const [has, it] = missing.entries === 1 ? ['has', 'it is'] : ['have', 'they are'];
  const what = count(missing.entries, 'entry', 'entries');
  return [
    html`${what} of the declared family ${has} no runs to compare, so ${it} not counted here; section 1 says why.`,
  ];
}

/** What was expected before anything ran, held against what came out. */
function expected({ comparisons, missing }: Declared): Html[] {
  const stated = comparisons.filter((comparison) => comparison.expected !== undefined);
  const all = stated.length + missing.expected;
  if (all === 0) return [];
  const held = stated.filter((comparison) => comparison.verdict === comparison.expected);
  const missed = stated.filter((comparison) => comparison.verdict !== comparison.expected);
  const says = (comparison: Comparison) =>
    html`${subjectOf(comparison)} was expected to be ${comparison.expected}, and came out ${comparison.verdict}.`;
  return [
    html`Of ${count(all, 'expectation')} stated beforehand, ${whole(held.length)} came true${missing.expected > 0 && ` and ${whole(missing.expected)} could not be tested`}.`,
    ...missed.map(says),
  ];
}

/** Names of strategies stand out from the prose: one of them is called none. */
const name = (strategy: string): Html => html`<code>${strategy}</code>`;

function sentence(comparison: Comparison, { at, margin }: Declared['compare']): Html {
  const { member, baseline, places, setting, verdict, shift, holm, pairs, divergedBaseline, divergedMember } =
    comparison;
  const confidence = Math.round(1000 * shift.confidence) / 10;
  const written = at === 'steps_to_target' ? sooner : signed;
  const size = Number.isFinite(shift.estimate)
    ? `typical paired difference ${written(shift.estimate)}, ${confidence} % interval ${written(shift.low)} to ${written(shift.high)} (Hodges-Lehmann)`
    : `the typical difference has no size, since a run that diverged, or ${at === 'steps_to_target' ? 'never reached the target' : 'ended without a finite value'}, ranks below every value`;
  const lost = html`${name(baseline.name)} diverged on ${divergedBaseline} of ${pairs} seeds, ${name(member.name)} on ${divergedMember}`;
  const reached = html`${name(baseline.name)} reached the target on ${pairs - comparison.lost.baseline} of ${pairs} seeds, ${name(member.name)} on ${pairs - comparison.lost.member}`;
  const seeds = at === 'steps_to_target' ? reached : divergedBaseline + divergedMember > 0 ? lost : `${pairs} seeds`;
  const whom = (verb: string) =>
    places === undefined
      ? html`${name(member.name)} was ${verb} ${name(baseline.name)} at ${setting.label}`
      : html`${name(member.name)} at ${places.member} was ${verb} ${name(baseline.name)} at ${places.baseline}`;
  const small = comparison.equivalence !== undefined && comparison.equivalence <= LEVEL;
  if (verdict === 'equivalent')
    return html`${whom('equivalent to')}, by the margin of ${margin ?? 0} declared beforehand: ${size}; ${seeds}; Holm p ${pValue(comparison.equivalence ?? 1)}.`;
  return html`${whom(`${verdict}${small ? ', though by less than the margin that matters,' : ''} than`)}: ${size}; ${seeds}; Holm p ${pValue(holm ?? 1)}.`;
}

/** Of a difference in steps, positive where it took fewer. Without bound: only one of the two ever got there. */
const sooner = (steps: number): string => {
  if (steps === 0) return '0 steps';
  const size = Number.isFinite(steps) ? `${significant(Math.abs(steps))} steps` : 'any number of steps';
  return `${size} ${steps > 0 ? 'sooner' : 'later'}`;
};

/** Divergence per strategy, over everything that ran: described, not tested. */
function divergenceWords({ strategies, settings, runs }: Design): Html[] {
  const total = runs.filter((run) => run.divergedAt !== undefined).length;
  if (total === 0) return [html`None of the ${count(runs.length, 'run')} diverged.`];
  const configs = settings.flatMap((setting) => setting.configs);
  const parts = strategies.map((strategy, index) => {
    const own = configs.filter((config) => config.strategy === strategy).flatMap((config) => config.runs);
    const lost = own.filter((run) => run.divergedAt !== undefined).length;
    return html`${index > 0 && ', '}${name(strategy)} ${lost} of ${own.length}`;
  });
  return [html`Diverged, over all settings and thresholds: ${parts}.`];
}
