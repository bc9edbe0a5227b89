/** What the figures allow to say, in plain words. Every sentence follows from rows of bench.csv; where they don't allow one, that is said. */
import { count, list, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { UNCLIPPED } from '../lines.ts';
import { believable, doubtful, restsOn } from './calibration.ts';
import { type Entry, type Group, type Interval, ranked, variantsOf } from './entry.ts';
import { type BenchStory, callOf } from './story.ts';
import { beyondOne, duration, withRange } from './words.ts';

/** Names spelled out; more are counted. */
const SPELLED = 4;

export function answer({ record, groups, told }: BenchStory): Html[] {
  const doubt = doubtful(told);
  const left = groups.length - told.length;
  return [
    ...told.flatMap((group) => {
      const own = ofGroup(group, callOf(record), groups.length > 1);
      // A paragraph each, where there are several.
      return told.length > 1 ? [html`${own.map((sentence, i) => html`${i > 0 && ' '}${sentence}`)}`] : own;
    }),
    ...(left > 0
      ? [
          html`That is ${record.growths.length > 0 ? 'at the largest size' : `of the first ${count(told.length, 'group')}`}; ${count(left, 'more group')} ${left === 1 ? 'is' : 'are'} in the tables.`,
        ]
      : []),
    html`${restsOn(record)}`,
    html`${believable(told, record)}`,
    ...(doubt === undefined ? [] : [html`${doubt}`]),
  ];
}

/** @param named whether the group has to be said, since there are others */
function ofGroup(group: Group, call: string, named: boolean): Html[] {
  const [own, { base }] = [acting(group), group];
  const place = named ? html` (${group.name})` : html``;
  if (base === undefined || own.length === 0)
    return [html`No variant${place} has a ratio to a baseline, so none is called cheap or dear.`];
  const start = group.isToCopy
    ? html`Copying the gradient${place} takes ${duration(base.ms.estimate)}: times of ${call} are held against that.`
    : html`With <code>${base.variant}</code>, the baseline, ${call}${place} takes ${duration(base.ms.estimate)}.`;
  return [start, extremes(own, group), ...(group.isToCopy ? [] : [apart(group)])];
}

type Ranked = Entry & { ratio: Interval };

/** What does nothing is always cheapest: beside copying that says nothing of the others. */
function acting(group: Group): Ranked[] {
  const own = ranked(group);
  const acts = own.filter(({ strategy }) => strategy !== UNCLIPPED);
  return group.isToCopy && acts.length > 0 ? acts : own;
}

function extremes(own: readonly Ranked[], group: Group): Html {
  const [cheapest, dearest] = [own[0], own.at(-1)];
  if (cheapest === undefined || dearest === undefined) return html``;
  const times = group.isToCopy ? 'times as long as copying' : "times the baseline's time";
  const of = ({ ratio }: Ranked) => `${withRange(ratio)} ${times}`;
  const over = count(Math.min(...own.map(({ processes }) => processes)), 'process', 'processes');
  if (own.length === 1) return html`<code>${cheapest.variant}</code> takes ${of(cheapest)}, over ${over}.`;
  const meets = cheapest.ratio.high >= dearest.ratio.low;
  return html`Of ${count(own.length, 'variant')} ${group.isToCopy && own.length < ranked(group).length && 'that clip '}the cheapest is <code>${cheapest.variant}</code>, ${of(cheapest)}; the dearest <code>${dearest.variant}</code>, ${of(dearest)}, over ${over}.${meets && ' Their intervals meet, so even this order is not settled.'}`;
}

/** How many differ from the baseline by more than the same thing from itself. */
function apart(group: Group): Html {
  const own = variantsOf(group);
  const with_ = (verdict: Entry['verdict']) => own.filter((entry) => entry.verdict === verdict);
  const [none, slower, faster] = [with_('not told apart'), with_('slower'), with_('faster')];
  const noise = group.calibration?.itself.noise;
  const start = noise === undefined ? '' : `To count, a difference has to exceed ${beyondOne(noise)}, the noise. `;
  const unknown = own.length - none.length - slower.length - faster.length;
  return html`${start}${whole(none.length)} of ${count(own.length, 'variant')} can't be told apart from the baseline, ${whole(slower.length)} ${slower.length === 1 ? 'is' : 'are'} slower${names(slower)}, ${whole(faster.length)} faster${names(faster)}.${unknown > 0 && ` ${whole(unknown)} of them have no verdict.`}`;
}

const names = (own: readonly Entry[]): Html | false =>
  own.length > 0 && own.length <= SPELLED && html` (${list(own.map(({ variant }) => variant))})`;
