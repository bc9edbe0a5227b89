import { cost } from '../../charts/cost.ts';
import { type Plot, table } from '../../figure.ts';
import { count, list } from '../../format.ts';
import { html } from '../../html.ts';
import { referenceStroke, strategyStroke } from '../../palette.ts';
import type { Draw, Section } from '../../sections/section.ts';
import { words } from '../../vary.ts';
import type { Meeting, Pair } from '../join.ts';
import type { BenchStory } from '../story.ts';
import { estimated, range } from '../words.ts';

const [MOST_PLOTS, MOST_NAMED] = [6, 12];

/** Nothing where no results were given. */
export async function qualitySection({ quality }: BenchStory, draw: Draw): Promise<Section | undefined> {
  if (quality === undefined) return undefined;
  const { folder, meetings, unmatched, unmeasured, lost } = quality;
  const drawn = meetings.filter(({ pairs }) => pairs.length > 1).slice(0, MOST_PLOTS);
  const figure =
    drawn.length > 0 &&
    (await draw({
      title: 'What a strategy costs, and how good it is',
      reading: `Lines are intervals: across of the time, upright of the typical final result over seeds.${drawn.length < meetings.length ? ` ${count(meetings.length - drawn.length, 'more pair')} of group and task in the table.` : ''}`,
      plots: drawn.map((meeting) =>
        meetings.length > 1 ? { heading: placeOf(meeting), ...plotOf(meeting) } : plotOf(meeting),
      ),
    }));
  const missing = [
    ...unmatched.map(({ group, variants }) => `Measured at ${group}, without finished results: ${named(variants)}.`),
    unmeasured.length === 0 ? undefined : `With results, not measured: ${named(unmeasured)}.`,
    lost === 0 ? undefined : `${count(lost, 'configuration')} of the results left out, since a run diverged.`,
  ].filter((line) => line !== undefined);
  const body = html`<p>Times of this measurement beside final results in <code>${folder}</code>, joined by strategy, and by task and model where the measurement has them. Seeds, options and sizes of the two need not be the same: read it as what to expect, not as one experiment. Where a strategy was run in several configurations, the best of them by its typical result is taken, picked after seeing the results, for all alike.</p>
${meetings.length === 0 && html`<p class="note">Nothing could be joined: no strategy, task and model of the measurement has results there.</p>`}${figure}${meetings.length > 0 && joinedTable(meetings)}${missing.length > 0 && html`<h3>Without a partner</h3><ul>${missing.map((line) => html`<li>${line}</li>`)}</ul>`}`;
  return { id: 'quality', title: 'Cost against quality', body };
}

const placeOf = ({ group, task, model }: Meeting): string =>
  group.name === `${task} · ${model}` ? group.name : `${group.name}, results at ${task} · ${model}`;

const metricOf = ({ metric }: Meeting): string => `final validation ${words(metric?.name ?? 'metric')}`;

function plotOf(meeting: Meeting): Plot {
  const { pairs, group, metric } = meeting;
  const xs = pairs.flatMap(({ ratio }) => finite(ratio));
  const ys = pairs.flatMap(({ result }) => finite(result));
  const [x, y] = [padded(xs, 0.18), padded(ys, 0.06)];
  const bounded = (value: number, [low, high]: readonly [number, number]) => Math.min(Math.max(value, low), high);
  const strategies = [
    ...new Set(pairs.filter(({ entry }) => entry.role !== 'baseline').map(({ entry }) => entry.strategy)),
  ];
  const points = pairs.map(({ entry, ratio, result }) => ({
    name: entry.variant,
    stroke: entry.role === 'baseline' ? referenceStroke : strategyStroke(strategies.indexOf(entry.strategy)),
    cost: ratio.estimate,
    least: bounded(ratio.low, x),
    most: bounded(ratio.high, x),
    quality: result.estimate,
    low: bounded(result.low, y),
    high: bounded(result.high, y),
  }));
  const isLower = metric?.better === 'lower';
  return {
    spec: cost({
      points,
      x: { title: group.isToCopy ? 'times as long as copying' : "times the baseline's time", domain: x },
      y: { title: `${metricOf(meeting)}${isLower ? ' (lower is better)' : ''}`, domain: y },
    }),
    description: pairs
      .map(({ entry, ratio, result }) => `${entry.variant}: ${estimated(ratio)} times, ${estimated(result)}`)
      .join('; ')
      .concat('.'),
  };
}

const finite = ({ estimate, low, high }: Pair['result']) => [estimate, low, high].filter(Number.isFinite);

/** With room, on the right for names. */
function padded(values: readonly number[], right: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || Math.abs(high) || 1;
  return [low - 0.05 * span, high + right * span];
}

function joinedTable(meetings: readonly Meeting[]) {
  const columns = ['Variant', 'Time', 'Interval', 'Joined with', 'At', 'Best of', 'Final result', 'Interval', 'Seeds'];
  const numeric = ['Time', 'Best of', 'Final result', 'Seeds'];
  return table(
    'What was joined',
    columns.map((title) => ({ title, numeric: numeric.includes(title) })),
    meetings.map((meeting) => {
      return {
        heading: `${placeOf(meeting)}: ${metricOf(meeting)}`,
        rows: meeting.pairs.map(({ entry, ratio, config, setting, result, among }) => [
          entry.variant,
          estimated(ratio),
          entry.role === 'baseline' ? '' : range(ratio),
          config.name,
          setting.label,
          String(among),
          estimated(result),
          range(result),
          String(config.runs.length),
        ]),
      };
    }),
  );
}

/** A long list would hide the others. */
function named(all: readonly string[]): string {
  const rest = all.length - MOST_NAMED;
  return list([...all.slice(0, MOST_NAMED), ...(rest > 0 ? [`${rest} more`] : [])]);
}
