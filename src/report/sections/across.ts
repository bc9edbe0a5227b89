import { probabilityOfImprovement } from '../../stats/scores.ts';
import {
  type Across,
  type Aggregate,
  acrossOf,
  aggregatesOf,
  type Contender,
  improvement,
  profileOf,
  REPLICATES,
} from '../across.ts';
import { curves } from '../charts/curves.ts';
import { heatmap } from '../charts/heatmap.ts';
import { intervals } from '../charts/intervals.ts';
import { outcomeWords } from '../comparison.ts';
import { table } from '../figure.ts';
import { count, percent, significant, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { chunks, strokeOf } from '../lines.ts';
import { HUES, type Stroke, strategyStroke } from '../palette.ts';
import type { Story } from '../story.ts';
import { costFigures } from './across-cost.ts';
import type { Draw, Section } from './section.ts';

/** Beyond, a square of all pairs is not readable: then each against the reference. */
const MOST_PAIRED = 12;

/** Nothing where fewer than two configurations ran at the same two settings. */
export async function acrossSection(story: Story, draw: Draw): Promise<Section | undefined> {
  const across = acrossOf(story);
  if (across === undefined) return undefined;
  const all = aggregatesOf(across);
  const { compare } = story.manifest;
  const { what, when } = outcomeWords(compare ?? { metric: 'val_metric', at: 'final' });
  const counts = across.settings.map((_, i) => across.contenders.map(({ scores }) => scores[i]?.length ?? 0));
  const runs = counts.flat();
  const alike = across.contenders.every((_, k) => new Set(counts.map((own) => own[k])).size === 1);
  const weight = alike
    ? 'every setting counts the same, whoever chose it'
    : 'a setting with more seeds counts for more, but for the median, the rank, and who does better';
  const missed = compare?.at === 'steps_to_target' ? 'diverged, or never reached the target,' : 'diverged';
  const few = Math.min(...runs) < 10 ? ` With fewer than ten seeds a setting, as here, intervals are too narrow.` : '';
  const body = html`<p>Over ${count(across.settings.length, 'setting')} at once: the ${what}${when} of every run on a scale from 0, the worst run of its setting (one that ${missed} counts as that; in ranks, and in who does better, it is behind every other), to 1, the best. Such scores depend on who ran, so they are of no use beside those of another report; and ${weight}. All of this describes: verdicts are those of section 1 alone. Intervals are of 95 %, from ${whole(REPLICATES)} resamples of the seeds of each setting (Agarwal et al. 2021).${few}</p>
${aggregateTable(all)}${await profileFigure(story, across, all, draw)}${await improvementFigure(story, across, all, draw)}${await costFigures(story, all, draw)}`;
  return { id: 'across', title: 'Across settings', body };
}

function aggregateTable(all: readonly Aggregate[]): Html {
  const columns = [
    'Configuration',
    'Interquartile mean',
    'Interval',
    'Median',
    'Falls short of 1 by',
    'Rank',
    'First in',
  ].map((title, i) => ({ title, numeric: i > 0 }));
  const rows = all.map(({ contender, iqm, interval, median: middle, gap, order }) => [
    contender.name,
    iqm.toFixed(2),
    `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}`,
    middle.toFixed(2),
    gap.toFixed(2),
    order === undefined ? '–' : significant(order.rank),
    order === undefined ? '–' : percent(order.first),
  ]);
  return html`${table('Scores over all settings', columns, [{ heading: '', rows }], rows.length > 20)}<dl class="terms">
<dt>Interquartile mean</dt><dd>Mean of the middle half of all scores: less moved by single runs than the mean.</dd>
<dt>Falls short of 1 by</dt><dd>Mean distance from the best run of each setting (optimality gap).</dd>
<dt>Rank, first in</dt><dd>By the median over the seeds that all have at each setting, averaged; and in which share of the resamples no other ranked before it: how far the order is one of these seeds.</dd>
</dl>`;
}

/** A colour for each line of a panel; the reference has its own everywhere. */
const strokesOf = (own: readonly Contender[]): Map<Contender, Stroke> =>
  new Map(own.map((contender, i) => [contender, strategyStroke(i)]));

async function profileFigure(
  story: Story,
  { reference }: Across,
  all: readonly Aggregate[],
  draw: Draw,
): Promise<Html> {
  const others = all.map(({ contender }) => contender).filter((contender) => contender !== reference);
  const panels = chunks(others, HUES).map((own) => {
    const strokes = strokesOf(own);
    const shown = [...(reference === undefined ? [] : [reference]), ...own];
    return {
      title: '',
      subtitle: '',
      lines: shown.map((contender) => ({
        label: contender.name,
        stroke: strokes.get(contender) ?? strokeOf(story.design, contender.strategy),
        curve: {
          points: profileOf(contender).map(({ tau, share, low, high }) => ({
            step: tau,
            mid: share,
            low,
            high,
            values: [],
          })),
          drops: [],
          left: 1,
          seeds: 1,
        },
      })),
    };
  });
  return draw({
    title: 'Share of runs above each score',
    reading:
      'Performance profiles: a line that is higher everywhere is better whatever score is asked for; where two cross, that depends on it. Bands: pointwise.',
    plots: [
      {
        spec: curves({
          panels,
          columns: 2,
          steps: 1,
          x: { title: 'score', format: '~r' },
          y: { title: 'share of runs above', domain: [0, 1.02], log: false, format: '.0%' },
        }),
        description: panels
          .flatMap(({ lines }) => lines)
          .map(({ label, curve }) => `${label}: ${percent(curve.points[25]?.mid ?? 0)} above 0.5`)
          .join('; ')
          .concat('.'),
      },
    ],
  });
}

async function improvementFigure(
  story: Story,
  { reference }: Across,
  all: readonly Aggregate[],
  draw: Draw,
): Promise<Html> {
  const sorted = all.map(({ contender }) => contender);
  if (sorted.length <= MOST_PAIRED) {
    const cells = sorted.flatMap((row) =>
      sorted
        .filter((column) => column !== row)
        .map((column) => {
          const probability = probabilityOfImprovement(row.values, column.values);
          return {
            row: row.name,
            column: column.name,
            share: probability,
            value: probability.toFixed(2),
            diverged: 0,
            runs: 1,
          };
        }),
    );
    const names = sorted.map(({ name }) => name);
    return draw({
      title: 'Chance that a run of one does better than a run of the other',
      reading:
        'Of the configuration on the left against the one below, on the same setting, equals counting half (P(X > Y)); 0.5 is no difference.',
      plots: [
        {
          spec: heatmap({ rows: names, panels: [{ title: '', subtitle: 'does better than', columns: names, cells }] }),
          description: cells
            .map(({ row, column, value }) => `${row} over ${column}: ${value}`)
            .join('; ')
            .concat('.'),
        },
      ],
    });
  }
  if (reference === undefined) return html``;
  const rows = sorted
    .filter((contender) => contender !== reference)
    .map((contender) => {
      const { probability, low, high } = improvement(contender, reference);
      return {
        name: contender.name,
        stroke: strokeOf(story.design, contender.strategy),
        estimate: probability,
        low,
        high,
      };
    });
  return draw({
    title: `Chance that a run does better than one of ${reference.name}`,
    reading: 'On the same setting, equals counting half (P(X > Y)); the line at 0.5 is no difference.',
    plots: [
      {
        spec: intervals({ panels: [{ title: '', unit: 'probability', rows }], bars: false, domain: [0, 1], rule: 0.5 }),
        description: rows
          .map(({ name, estimate }) => `${name}: ${estimate.toFixed(2)}`)
          .join('; ')
          .concat('.'),
      },
    ],
  });
}
