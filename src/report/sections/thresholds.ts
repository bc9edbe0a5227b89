import { type HeatmapCell, type HeatmapPanel, heatmap } from '../charts/heatmap.ts';
import { type Config, referenceOf, type Setting, settingLabels, thresholdName } from '../design.ts';
import type { Plot } from '../figure.ts';
import { aligned } from '../format.ts';
import { html } from '../html.ts';
import { isAlone, UNCLIPPED } from '../lines.ts';
import { number } from '../row.ts';
import type { Story } from '../story.ts';
import { words } from '../vary.ts';
import type { Draw, Section } from './section.ts';

const COLUMN = 'final_val_metric';
/** Where values span more than this ratio, shades follow the logarithm. */
const LOG_FROM = 30;

export async function thresholdsSection(story: Story, draw: Draw): Promise<Section> {
  const groups = [...new Set(story.design.settings.map((setting) => setting.group))];
  const plots = groups.flatMap((group) => plotOf(story, group, groups.length > 1));
  const section = { id: 'thresholds', title: 'Threshold by setting' };
  if (plots.length === 0) {
    return {
      ...section,
      body: html`<p class="empty">No clip strategy was run, so there is no threshold to compare.</p>`,
    };
  }
  const lost = story.design.runs.some((run) => run.divergedAt !== undefined)
    ? '×\u00A02/6 means that 2 of 6 seeds diverged and are not in the mean; a hatched cell has no seed that completed. '
    : '';
  const figure = await draw({
    title: 'Final validation metric by threshold',
    reading: `Mean over the seeds that completed; darker is better. ${lost}The shades of a task are the same in all panels; the thresholds of different strategies are different quantities and share no axis.`,
    plots,
  });
  return { ...section, body: figure };
}

function plotOf(story: Story, group: string, several: boolean): Plot[] {
  const settings = story.design.settings.filter((setting) => setting.group === group);
  const labels = new Map(settingLabels(settings.map((setting) => setting.row)).map((label, i) => [settings[i], label]));
  const { task = '', metric } = settings[0] ?? {};
  const means = settings.flatMap((setting) => setting.configs.map(meanOf)).filter((mean) => mean !== undefined);
  const format = aligned(means);
  const shade = shades(means, metric?.better ?? 'higher');
  const cell = (config: Config, row: string, column: string): HeatmapCell => {
    const mean = meanOf(config);
    return {
      row,
      column,
      share: mean === undefined ? undefined : shade(mean),
      value: mean === undefined ? '' : format(mean),
      diverged: config.runs.filter((run) => run.divergedAt !== undefined).length,
      runs: config.runs.length,
    };
  };
  const panelOf = (strategy: string, shown: Setting[]): HeatmapPanel => {
    const of = (setting: Setting) => setting.configs.filter((config) => config.strategy === strategy);
    // Order by threshold over all settings, not as the first setting happens to have them.
    const configs = shown.flatMap(of).sort((a, b) => order(a.threshold, b.threshold));
    const columns = [...new Set(configs.map((config) => config.label || '–'))];
    // The reference is the first column of every panel but its own.
    const base = (setting: Setting) => {
      const config = referenceOf(setting, story.design.reference);
      return config === undefined || config.strategy === strategy ? [] : [config];
    };
    const cells = shown.flatMap((setting) => {
      const row = labels.get(setting) ?? '';
      const own = of(setting).map((config) => cell(config, row, config.label || '–'));
      return [...base(setting).map((config) => cell(config, row, config.name)), ...own];
    });
    const bases = new Set(shown.flatMap(base).map((config) => config.name));
    const option = thresholdName(story.manifest, strategy);
    return {
      title: strategy,
      subtitle: option === undefined ? '' : words(option),
      columns: [...bases, ...columns],
      cells,
    };
  };
  const ranAt = (strategy: string): Setting[] =>
    strategy === UNCLIPPED
      ? settings.filter((setting) => isAlone(story.design, setting))
      : settings.filter(({ configs }) => configs.some((config) => config.strategy === strategy));
  const clipping = story.design.strategies.filter((strategy) => strategy !== UNCLIPPED && ranAt(strategy).length > 0);
  if (clipping.length === 0) return [];
  const strategies = [...clipping, UNCLIPPED].filter((strategy) => ranAt(strategy).length > 0);
  const keyOf = (strategy: string) =>
    ranAt(strategy)
      .map((setting) => labels.get(setting))
      .join();
  // Panels with the same rows stand together.
  return [...new Set(strategies.map(keyOf))].map((key, index) => {
    const own = strategies.filter((strategy) => keyOf(strategy) === key);
    const shown = ranAt(own[0] ?? '');
    const panels = own.map((strategy) => panelOf(strategy, shown));
    const heading = several && index === 0 ? `${task}, ${words(metric?.name ?? 'metric')}` : undefined;
    return {
      ...(heading !== undefined && { heading }),
      spec: heatmap({ rows: shown.map((setting) => labels.get(setting) ?? ''), panels }),
      description: panels.map(describe).join(' '),
    };
  });
}

function describe({ title, cells }: HeatmapPanel): string {
  const lost = ({ diverged, runs }: HeatmapCell) => (diverged > 0 ? ` (${diverged} of ${runs} diverged)` : '');
  return `${title}: ${cells.map((c) => `${c.row}, ${c.column}: ${c.value || 'none'}${lost(c)}`).join('; ')}.`;
}

/** Mean over completed runs; undefined where there is none. */
function meanOf(config: Config): number | undefined {
  const values = config.runs.filter((run) => run.divergedAt === undefined).map((run) => number(run.row, COLUMN));
  const finite = values.filter((value) => value !== undefined && Number.isFinite(value)).map(Number);
  return finite.length === 0 ? undefined : finite.reduce((sum, value) => sum + value, 0) / finite.length;
}

/** 0 for the worst of the values, 1 for the best. */
function shades(values: readonly number[], better: 'higher' | 'lower'): (value: number) => number {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const scale = low > 0 && high > LOG_FROM * low ? Math.log : (value: number) => value;
  return (value) => {
    if (high === low) return 0.5;
    const share = (scale(value) - scale(low)) / (scale(high) - scale(low));
    return better === 'higher' ? share : 1 - share;
  };
}

const order = (a = 0, b = 0): number => (a < b ? -1 : a > b ? 1 : 0);
