import { median } from '../../stats/quantile.ts';
import { type AxisRange, axisRange } from '../axis-range.ts';
import { type RateLine, type RateTable, rates } from '../charts/rates.ts';
import type { Plot, RowGroup } from '../figure.ts';
import { table } from '../figure.ts';
import { aligned, count, signed, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { others, spread } from '../lines.ts';
import { referenceStroke, SHADES, type Stroke, thresholdStroke } from '../palette.ts';
import { type Family, familiesOf, type RateConfig } from '../rates.ts';
import type { Story } from '../story.ts';
import { words } from '../vary.ts';
import type { Draw, Section } from './section.ts';

/** Beyond, the rest is in the table. */
const MAX_FAMILIES = 8;

/** Nothing where no setting was run at three rates or more: then there is no range to speak of. */
export async function ratesSection(story: Story, draw: Draw): Promise<Section | undefined> {
  const families = familiesOf(story.design);
  if (families.length === 0) return undefined;
  const ranges = new Map(groupsOf(families).map((group) => [group, rangeOf(families, group)]));
  const drawn = families.slice(0, MAX_FAMILIES).map((family) => ({ family, panels: panelsOf(story, family) }));
  const plots = drawn.every(({ panels }) => panels.length === 1)
    ? groupsOf(families).flatMap((group) => gridOf(drawn, group, ranges.get(group)))
    : drawn.flatMap(({ family, panels }): Plot[] => {
        const plot = plotOf(family, panels, ranges.get(family.setting.group));
        return plot.map((own) => (families.length > 1 ? { heading: family.label, ...own } : own));
      });
  const left = families.length - MAX_FAMILIES;
  const lost = story.design.runs.some(({ divergedAt }) => divergedAt !== undefined)
    ? ' × on the lower edge: half of the seeds diverged, or more.'
    : '';
  const figure =
    plots.length > 0 &&
    (await draw({
      title: 'Final validation result over learning rates',
      reading: `Median over seeds; upright lines run from the lowest to the highest seed that completed.${lost}${left > 0 ? ` ${count(left, 'more setting')} in the table.` : ''}`,
      plots,
    }));
  const body = html`<p>Does clipping only widen the range of learning rates that work, or does it reach what no rate reaches without? The best median says how good a configuration is at its best rate; the usable decades say how wide its range is: where the result is within a tenth of the best of its group.</p>
${figure}${rangeTable(story, families)}`;
  return { id: 'rates', title: 'Learning rates', body };
}

/** Families with one panel each stand side by side. */
function gridOf(drawn: { family: Family; panels: RateTable['panels'] }[], group: string, range: AxisRange | undefined) {
  const own = drawn.filter(({ family }) => family.setting.group === group);
  const panels = own.flatMap((each) =>
    each.panels.map((panel) => ({
      ...panel,
      title: each.family.label,
      subtitle: [panel.title, panel.subtitle].filter((part) => part !== '').join(', '),
    })),
  );
  const [first] = own;
  return first === undefined ? [] : plotOf(first.family, panels, range);
}

function plotOf(family: Family, panels: RateTable['panels'], range: AxisRange | undefined): Plot[] {
  if (range === undefined || panels.length === 0) return [];
  const spec = rates({ panels, columns: 3, y: { title: metricOf(family), ...range } });
  return [{ spec, description: panels.map(describe).join(' ') }];
}

const groupsOf = (families: Family[]): string[] => [...new Set(families.map(({ setting }) => setting.group))];
const metricOf = ({ setting }: Family): string => `validation ${words(setting.metric?.name ?? 'metric')}`;

/** One axis for all that share a task, so that they can be compared. */
function rangeOf(families: Family[], group: string): AxisRange | undefined {
  const configs = families.filter(({ setting }) => setting.group === group).flatMap((family) => family.configs);
  const curves = configs.map((config) => ({
    points: lineOf(config, '', referenceStroke)
      .points.filter(({ mid }) => Number.isFinite(mid))
      .map(({ rate, mid, low, high }) => ({ step: rate, mid, low, high, values: [] })),
    drops: [],
    left: 0,
    seeds: 0,
  }));
  return axisRange(curves, 'metric');
}

/** A panel for each strategy, with a line for each threshold, and the reference in all. */
function panelsOf({ design, manifest }: Story, { configs }: Family): RateTable['panels'] {
  const base = configs.filter(({ strategy }) => strategy === design.reference);
  const reference = base.length === 1 ? base : [];
  const panels = others(design).flatMap((strategy, hue) => {
    const own = configs.filter((config) => config.strategy === strategy);
    if (own.length === 0) return [];
    const chosen = spread(own, SHADES);
    const option = manifest.parts.strategies?.[strategy]?.threshold;
    return [
      {
        title: strategy,
        subtitle: option === undefined ? '' : words(option),
        lines: [
          ...reference.map((config) => lineOf(config, config.name, referenceStroke)),
          ...chosen.map((config, rank) =>
            lineOf(config, config.label || strategy, thresholdStroke(hue, rank, chosen.length)),
          ),
        ],
      },
    ];
  });
  if (panels.length > 0) return panels;
  return reference.map((config) => ({
    title: config.name,
    subtitle: '',
    lines: [lineOf(config, config.name, referenceStroke)],
  }));
}

function lineOf({ points }: RateConfig, label: string, stroke: Stroke): RateLine {
  return {
    label,
    stroke,
    points: points.map(({ rate, mid, values }) => {
      const finite = values.filter(Number.isFinite);
      const [low, high] = [Math.min(...finite), Math.max(...finite)];
      return { rate, mid, low, high, diverged: values.length - finite.length, seeds: values.length };
    }),
  };
}

function describe({ title, lines }: RateTable['panels'][number]): string {
  const told = lines.map(({ label, points }) => {
    const each = points.map(({ rate, mid }) => `${rate}: ${Number.isFinite(mid) ? significant(mid) : 'diverged'}`);
    return `${label} at ${each.join(', ')}`;
  });
  return `${title}: ${told.join('; ')}.`;
}

function rangeTable(story: Story, families: Family[]): Html {
  const groups = families.map((family): RowGroup => {
    const format = aligned(family.configs.flatMap(({ best }) => best?.value ?? []));
    return {
      heading: family.label,
      rows: family.configs.map(({ strategy, label, best, decades, areas, wider }) => [
        strategy,
        label,
        best === undefined ? 'none' : format(best.value),
        best === undefined ? '' : String(best.rate),
        areas.size === 0 ? '' : median([...areas.values()]).toFixed(2),
        decades.size === 0 ? '' : significant(median([...decades.values()])),
        wider === undefined ? '' : signed(wider.estimate),
        wider === undefined ? '' : `${significant(wider.low)} to ${significant(wider.high)}`,
      ]),
    };
  });
  const titles = [
    'Threshold',
    'Best median',
    'At rate',
    'Any rate',
    'Usable decades',
    'More than the reference',
    'Interval',
  ];
  const level = families.length === 1 && families[0] !== undefined ? ` (${significant(families[0].level)})` : '';
  return html`${table('Best result and usable range of learning rates', [{ title: 'Strategy' }, ...titles.map((title) => ({ title, numeric: title !== 'Interval' }))], groups)}
<p>Any rate: the score to expect from a rate drawn log-uniformly from those tried (area under the curve over log rate), where 0 is the worst run of the group, or one that diverged, and 1 the best. Usable${level}: straight lines between the rates that were tried; a run that diverged is usable nowhere. Areas and decades are medians over seeds, the difference from ${story.design.reference === undefined ? 'the reference' : html`<code>${story.design.reference}</code>`} is the Hodges–Lehmann estimate of paired differences with its exact interval of at least 95 %. The best rate is the best of those tried, picked after seeing the results, for all alike. Described only: no verdict rests on it.</p>`;
}
