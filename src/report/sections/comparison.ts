import { baselineName, type Manifest } from '../../manifest.ts';
import type { Shift } from '../../stats/hodges-lehmann.ts';
import { neededPairs } from '../../stats/sign-flip.ts';
import { wilson } from '../../stats/wilson.ts';
import { type Comparison, type Declared, isWithheld, LEVEL, lost, MIN_SEEDS, outcomeWords } from '../comparison.ts';
import { effectsFigure, leading } from '../effects-figure.ts';
import { type RowGroup, table } from '../figure.ts';
import { alignedRows, count, percent, pValue, signed, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { MAX_SETTINGS } from '../lines.ts';
import type { Story } from '../story.ts';
import type { Draw, Section } from './section.ts';

export async function comparisonSection(story: Story, draw: Draw): Promise<Section> {
  const { declared } = story;
  const section = { id: 'comparison', title: 'The declared comparison' };
  if (declared === undefined) {
    return {
      ...section,
      body: html`<p class="empty">The experiment declares no comparison (its <code>compare</code> key), so there is none to test. Choosing one after seeing the results would make its p values meaningless.</p>`,
    };
  }
  const notes = declared.notes.length > 0 && html`<ul>${declared.notes.map((note) => html`<li>${note}</li>`)}</ul>`;
  if (declared.comparisons.length === 0) {
    return {
      ...section,
      body: html`${declaration(declared, story.manifest.compare_changed)}<p class="empty">There is nothing to compare: no strategy besides the baseline has finished runs.</p>${notes}`,
    };
  }
  const settings = [...new Set(declared.comparisons.map((comparison) => comparison.setting))];
  const drawn = declared.comparisons.filter(({ setting }) => settings.indexOf(setting) < MAX_SETTINGS);
  const isLed = isSame(drawn, leading(story));
  const figure = isLed
    ? html`<p>Figure 1, at the top, shows the paired differences. ${howToRead(declared)}</p>`
    : ((await effectsFigure(story, drawn, 'Paired differences from the baseline', howToRead(declared), draw)) ??
      html`<p class="empty">No pair of runs has a value to compare.</p>`);
  const shared = sharedConfidence(declared);
  const groups = settings.map((setting): RowGroup => {
    const own = declared.comparisons.filter((comparison) => comparison.setting === setting);
    const formats = alignedRows(own.map(({ shift }) => [shift.estimate, shift.low, shift.high]));
    return {
      heading: setting.label,
      rows: own.map((comparison, k) => tableRow(comparison, shared, formats[k], declared.compare.margin !== undefined)),
    };
  });
  const words = ['Configuration', 'Verdict'];
  const numbers = [
    'Difference',
    shared === undefined ? 'Interval' : `Interval (${shared})`,
    'p',
    'p, Holm',
    ...(declared.compare.margin === undefined ? [] : ['p, equivalent, Holm']),
    'Diverged',
    'Baseline diverged',
    'McNemar p',
    'Pairs',
  ];
  const caption = `Each configuration against the baseline (${baselineName(declared.compare)}) at the same setting, paired over seeds`;
  const columns = [...words.map((title) => ({ title })), ...numbers.map((title) => ({ title, numeric: true }))];
  return {
    ...section,
    body: html`${declaration(declared, story.manifest.compare_changed)}${isWithheld(story.manifest) ? withheld(story.manifest) : power(declared)}${notes}${figure}${table(caption, columns, groups)}${legend(declared)}`,
  };
}

const isSame = (a: readonly Comparison[], b: readonly Comparison[]): boolean =>
  a.length === b.length && a.every((comparison, i) => comparison === b[i]);

const howToRead = ({ compare }: Declared): Html => {
  const baseline = html`<code>${baselineName(compare)}</code>`;
  return html`Circles: one seed each, right of the line = better than ${baseline}. Upright bar: Hodges–Lehmann estimate; horizontal line: its exact interval, where there are at least ${MIN_SEEDS} seeds. Triangles: seeds on which only ${baseline} (right) or only the other (left) ${compare.at === 'steps_to_target' ? 'diverged or never reached the target' : 'diverged'}, a difference without bound; an interval that reaches them has no end on that side, and an estimate without bound has no bar.`;
};

function declaration({ compare, family, comparisons }: Declared, changed: Manifest['compare_changed']): Html {
  const rest = comparisons.length - family;
  const declared =
    changed === undefined
      ? 'Declared before running'
      : `${changed.what === 'search' ? 'What tuning tries was changed' : 'Declared'} after ${count(changed.finished_runs, 'run')} had finished, so its p values can't be trusted`;
  return html`<p>${declared}: every configuration against <code>${baselineName(compare)}</code> on <strong>${outcomeWords(compare).what}</strong>${outcomeWords(compare).when}, paired over seeds, since runs with the same seed start from the same parameters and meet the same batches${comparisons.some(({ setting, baseline }) => !setting.configs.includes(baseline)) && ' (those of another model or batch size only from the same data)'}. ${
    compare.family === undefined
      ? `The family is the default one, every comparison there is: ${whole(family)}.`
      : `The declared family holds ${count(family, 'comparison')}${rest === 0 ? '' : `; the other ${whole(rest)} ${rest === 1 ? 'is' : 'are'} described without a verdict`}.`
  }</p>`;
}

/** A comparison declared late says so where it is declared. */
const withheld = ({ finished, failed }: Manifest): Html | false =>
  finished === undefined
    ? html`<p class="note">The run is not finished, so every verdict is withheld: which comparisons there are, and over how many seeds, is still open.</p>`
    : failed > 0 &&
      html`<p class="note">${count(failed, 'run')} failed, so every verdict is withheld: pairs are missing, and which ones may depend on what happened in them.</p>`;

/** What the seeds allow to say, before looking at any result. */
function power({ family, pairs, smallest }: Declared): Html {
  const range = pairs.fewest === pairs.most ? whole(pairs.most) : `${whole(pairs.fewest)} to ${whole(pairs.most)}`;
  if (family === 0) return html``;
  const holm = `${pValue(smallest.holm)} after Holm over ${count(family, 'comparison')}`;
  const needed = `It takes ${count(neededPairs(family, LEVEL), 'seed')} to get below ${LEVEL}${family > 1 ? ' with so many comparisons' : ''}.`;
  if (pairs.most < MIN_SEEDS) {
    return html`<p class="note">With ${range} paired ${pairs.most === 1 ? 'seed' : 'seeds'} no verdict is possible: even if every seed agreed, the two-sided p would be ${pValue(smallest.p)}, ${holm}. ${needed} The data are shown below.</p>`;
  }
  const reach =
    smallest.holm > LEVEL
      ? `So no verdict is possible in this family, whatever the data. ${needed}`
      : 'So a verdict is possible.';
  return html`<p class="note">With ${range} paired seeds the smallest two-sided p that any data could reach is ${pValue(smallest.p)}, ${holm}. ${reach}</p>`;
}

/** The confidence that the intervals really have, as per cent; undefined where they differ. */
function sharedConfidence({ comparisons }: Declared): string | undefined {
  const found = new Set(comparisons.filter(({ pairs }) => pairs >= MIN_SEEDS).map(({ shift }) => confidence(shift)));
  return found.size === 1 ? [...found][0] : undefined;
}

const confidence = (shift: Shift): string => `${Math.round(1000 * shift.confidence) / 10}\u202F%`;

function tableRow(
  comparison: Comparison,
  shared: string | undefined,
  format: ((value: number) => string) | undefined,
  hasMargin: boolean,
): (string | Html)[] {
  const { pairs, shift, declared, verdict } = comparison;
  const ends = `${signed(shift.low, format)} to ${signed(shift.high, format)}`;
  const decided = ['better', 'worse', 'equivalent'].includes(verdict);
  return [
    comparison.title,
    decided ? html`<strong>${verdict}</strong>` : verdict,
    pairs === 0 ? '–' : signed(shift.estimate, format),
    pairs < MIN_SEEDS ? '–' : shared === undefined ? `${ends} (${confidence(shift)})` : ends,
    declared ? pValue(comparison.p) : '–',
    declared ? pValue(comparison.holm ?? 1) : '–',
    ...(hasMargin ? [declared ? pValue(comparison.equivalence ?? 1) : '–'] : []),
    diverged(comparison.divergedMember, pairs),
    diverged(comparison.divergedBaseline, pairs),
    declared ? pValue(comparison.mcnemar) : '–',
    whole(pairs),
  ];
}

const diverged = (k: number, n: number): string => {
  if (n === 0) return '–';
  const { low, high } = wilson(k, n);
  return `${k}/${n} (${Math.round(100 * low)}–${percent(high)})`;
};

function legend({ compare }: Declared): Html {
  return html`<dl class="terms">
<dt>Verdict</dt><dd><em>better</em> or <em>worse</em> where the adjusted p is at most ${LEVEL}; ${compare.margin !== undefined && html`<em>equivalent</em> where none of these, and two one-sided signed-rank tests (Schuirmann 1987), under a Holm of their own, put the typical difference within ${compare.margin} of 0; `}<em>not separated</em> where the seeds could have decided but did not, which is no evidence of equality; <em>not possible</em> where no data could have decided; <em>withheld</em> where the run is not finished, runs of it failed, or the comparison was declared, or what tuning tries was changed, after runs had finished; <em>descriptive</em> outside the declared family.</dd>
<dt>Difference, interval</dt><dd>Hodges–Lehmann estimate of the paired difference in ${outcomeWords(compare).what}, signed so that positive is better than <code>${baselineName(compare)}</code>, with its exact interval of at least 95 % (the null distribution is discrete), where the differences lie symmetric around their centre. A run that ${lost(compare)} ranks below every value: the difference is ∞ where only <code>${baselineName(compare)}</code> did, −∞ where only the other did, 0 where both did.</dd>
<dt>p</dt><dd>Exact sign-flip test on signed ranks, two-sided: how often the ranks would split as unevenly if each difference got its sign by a coin, as it does where the two are alike. Where differences lean to one side it can be small though their median is 0. Holm keeps the chance of any false verdict in the family at ${LEVEL} or below.</dd>
<dt>Diverged, McNemar p</dt><dd>Runs that diverged among the pairs, with the 95 % Wilson interval of the rate; exact two-sided p from the pairs in which only one of the two diverged. It describes: the verdict rests on p, in which divergence already counts as the worst result.</dd>
</dl>`;
}
