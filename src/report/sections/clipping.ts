import { median } from '../../stats/quantile.ts';
import { axisRange } from '../axis-range.ts';
import { type ClipRateTable, clipRates } from '../charts/clip-rates.ts';
import { type CurvePanel, curves } from '../charts/curves.ts';
import { curveOf } from '../curve.ts';
import { type Config, type Run, referenceOf, type Setting } from '../design.ts';
import type { Plot } from '../figure.ts';
import { table } from '../figure.ts';
import { percent, significant, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { chunks, groupsOf, isAlone, MAX_SETTINGS, strokeOf, UNCLIPPED } from '../lines.ts';
import { HUES } from '../palette.ts';
import { number, text } from '../row.ts';
import type { Story } from '../story.ts';
import { words } from '../vary.ts';
import type { Draw, Section } from './section.ts';

const SERIES = 'clipped_fraction';
const labels = ['never', 'safety_net', 'binding'];

export async function clippingSection(story: Story, draw: Draw): Promise<Section> {
  const section = { id: 'clipping', title: 'How often it clipped' };
  const settings = story.design.settings.slice(0, MAX_SETTINGS);
  const plots = settings.flatMap((setting) => plotOf(story, setting));
  const figure =
    plots.length === 0
      ? html`<p class="empty">No clip rate to draw: ${story.steps.tracks.has(SERIES) ? 'no clip strategy was run.' : 'the runs recorded none (telemetry was off).'}</p>`
      : await draw({
          title: 'Realised clip rate over training',
          reading: `Mean over seeds of what the strategy touched at a step: ${scopes(story)}. A line ends where half of the seeds have diverged.`,
          plots,
        });
  const against = await againstClipRate(story, draw);
  return { ...section, body: html`${figure}${against}${labelTable(story)}${signalTable(story)}` };
}

function plotOf(story: Story, setting: Setting): Plot[] {
  const tracks = story.steps.tracks.get(SERIES);
  const groups = groupsOf(story.design, setting, story.manifest).filter(({ strategy }) => strategy !== UNCLIPPED);
  const panels = groups.map(
    (group): CurvePanel => ({
      title: group.strategy,
      subtitle: group.subtitle,
      lines: group.members.map(({ config, label, stroke }) => {
        const curve = curveOf(config, tracks, Infinity, 'mean');
        return {
          label,
          stroke,
          curve: {
            ...curve,
            drops: [],
            points: curve.points.map((point) => ({ ...point, low: point.mid, high: point.mid })),
          },
        };
      }),
    }),
  );
  const range = axisRange(
    panels.flatMap((panel) => panel.lines.map((line) => line.curve)),
    'share',
  );
  if (range === undefined) return [];
  const description = setting.configs
    .filter((config) => config.strategy !== UNCLIPPED)
    .map((config) => `${config.name}: ${percent(clipRate(config))} of steps`)
    .join('; ');
  const spec = curves({ panels, columns: 3, steps: setting.steps, y: { title: 'share clipped', ...range } });
  return [{ heading: setting.label, spec, description: `Steps on which anything was clipped: ${description}.` }];
}

/** Settings that fit on a page; the table below has all. */
const MAX_PANELS = 12;

/** The thresholds of different strategies are different quantities; how often they clip is the same one for all. */
async function againstClipRate(story: Story, draw: Draw): Promise<Html> {
  const { design } = story;
  const pages = chunks(
    design.strategies.filter((strategy) => strategy !== UNCLIPPED),
    HUES,
  );
  const settings = design.settings.filter((setting) => !isAlone(design, setting));
  const groups = [...new Set(settings.map(({ group }) => group))];
  const plots = groups.flatMap((group) => {
    const own = settings.filter((setting) => setting.group === group).slice(0, MAX_PANELS);
    const panels = own.flatMap((setting) => pages.flatMap((strategies) => panelOf(story, setting, strategies)));
    const range = axisRange(panels.map(curveOfPanel), 'metric');
    if (range === undefined) return [];
    const title = `validation ${words(own[0]?.metric?.name ?? 'metric')}`;
    return [
      {
        ...(groups.length > 1 && { heading: group }),
        spec: clipRates({ panels, columns: 2, y: { title, ...range } }),
        description: panels.map(describePanel).join(' '),
      },
    ];
  });
  if (plots.length === 0) return html``;
  return draw({
    title: 'Final validation result against how often it clipped',
    reading:
      'A point for each threshold, joined from the smallest to the largest: medians over the seeds that completed, upright lines from their lowest to their highest. The one axis on which strategies can be laid side by side, since their thresholds are different quantities.',
    plots,
  });
}

function panelOf({ design }: Story, setting: Setting, strategies: readonly string[]): ClipRateTable['panels'] {
  const lines = strategies.flatMap((strategy) => {
    const points = setting.configs
      .filter((config) => config.strategy === strategy)
      .flatMap((config) => {
        const rate = clipRate(config);
        const result = resultsOf(config);
        return result === undefined || !Number.isFinite(rate) ? [] : [{ rate, ...result }];
      });
    return points.length === 0 ? [] : [{ label: strategy, stroke: strokeOf(design, strategy), points }];
  });
  if (lines.length === 0) return [];
  const base = referenceOf(setting, design.reference);
  const result = base?.strategy === UNCLIPPED ? resultsOf(base) : undefined;
  const reference = base && result && { label: base.name, value: result.mid };
  return [{ title: setting.label, lines, reference }];
}

function resultsOf({ runs }: Config): { mid: number; low: number; high: number } | undefined {
  const finite = runs.flatMap((run) => {
    const value = run.divergedAt === undefined ? number(run.row, 'final_val_metric') : undefined;
    return value === undefined || !Number.isFinite(value) ? [] : [value];
  });
  if (finite.length === 0) return undefined;
  return { mid: median(finite), low: Math.min(...finite), high: Math.max(...finite) };
}

const curveOfPanel = ({ lines, reference }: ClipRateTable['panels'][number]) => ({
  points: [
    ...lines.flatMap(({ points }) => points),
    ...(reference === undefined ? [] : [{ mid: reference.value, low: reference.value, high: reference.value }]),
  ].map((point) => ({ ...point, step: 0, values: [] })),
  drops: [],
  left: 0,
  seeds: 0,
});

function describePanel({ title, lines, reference }: ClipRateTable['panels'][number]): string {
  const told = lines.map(({ label, points }) => {
    const each = points.map(({ rate, mid }) => `${significant(mid)} clipping ${percent(rate)} of steps`);
    return `${label} ${each.join(', ')}`;
  });
  const base = reference === undefined ? [] : [`${reference.label} ${significant(reference.value)}`];
  return `${title}: ${[...base, ...told].join('; ')}.`;
}

/** What the share is a share of, by what a strategy acts on. */
const nouns: Record<string, string> = {
  element: 'share of gradient entries',
  unit: 'share of units',
  tensor: 'share of tensors',
  group: 'share of groups of parameters',
  global: 'share of seeds that clipped',
  example: 'share of examples',
  update: 'share of the update',
  step: 'share of seeds that left the step out',
  backward: 'share of the entries on the way back',
};

function scopes(story: Story): string {
  const strategies = story.design.strategies.filter((strategy) => strategy !== UNCLIPPED);
  const nounOf = (strategy: string) =>
    nouns[story.manifest.parts.strategies?.[strategy]?.scope ?? ''] ?? 'share of what it looks at';
  return [...new Set(strategies.map(nounOf))]
    .map((noun) => `${strategies.filter((strategy) => nounOf(strategy) === noun).join(', ')}: ${noun}`)
    .join('; ');
}

/** Steps that a run really made, the diverging one included. */
const executed = (run: Run): number => (run.divergedAt === undefined ? run.steps : run.divergedAt + 1);

const rateOf = (run: Run): number => (number(run.row, 'clipped_steps') ?? Number.NaN) / executed(run);

const clipRate = (config: Config): number => median(config.runs.map(rateOf).filter((rate) => !Number.isNaN(rate)));

function labelTable(story: Story): Html {
  const groups = story.design.settings.map((setting) => ({
    heading: setting.label,
    rows: setting.configs
      .filter((config) => config.strategy !== UNCLIPPED)
      .map((config) => {
        const rates = config.runs.map(rateOf).filter((rate) => !Number.isNaN(rate));
        const counted = labels.map((label) => config.runs.filter((run) => text(run.row, 'label') === label).length);
        const [low, high] = [Math.min(...rates), Math.max(...rates)];
        return [
          config.strategy,
          config.label,
          whole(config.runs.length),
          percent(median(rates)),
          rates.length === 0 ? '' : `${percent(low)} – ${percent(high)}`,
          ...counted.map((n) => (n === 0 ? '·' : whole(n))),
        ];
      }),
  }));
  if (groups.every((group) => group.rows.length === 0)) return html``;
  const columns = [
    { title: 'Strategy' },
    { title: 'Threshold', numeric: true },
    { title: 'Seeds', numeric: true },
    { title: 'Steps clipped, median', numeric: true },
    { title: 'lowest – highest seed', numeric: true },
    ...labels.map((label) => ({ title: label, numeric: true })),
  ];
  return html`<p>Every step counts here, logged or not. Labels are given to each run: <em>never</em> clipped, <em>safety_net</em> (on up to 10 % of its steps) or <em>binding</em> (on more); the last columns count runs.</p>
${table(
  'Steps on which anything was clipped',
  columns,
  groups.filter((group) => group.rows.length > 0),
)}`;
}

function signalTable(story: Story): Html {
  if (story.signals.length === 0) return html``;
  const rows = story.signals.map((signal) => [
    signal.strategy,
    words(signal.name),
    whole(signal.rows),
    significant(signal.min),
    significant(signal.mean),
    significant(signal.max),
    whole(signal.nonFinite),
  ]);
  const titles = ['Strategy', 'Signal', 'Rows', 'Smallest', 'Mean', 'Largest', 'Not finite'];
  return table(
    'What strategies report of their own (signals.csv), over all runs',
    titles.map((title, index) => ({ title, numeric: index > 1 })),
    [{ heading: '', rows }],
  );
}
