import { stream } from '../../engine/random.ts';
import { wilson } from '../../stats/wilson.ts';
import { type CurvePanel, curves, type Line } from '../charts/curves.ts';
import { type Config, referenceOf, type Setting } from '../design.ts';
import { type Plot, table } from '../figure.ts';
import { count, percent, significant, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { hasTarget, lifeCurve, restricted, speedsOf, untilTarget } from '../lifetimes.ts';
import { groupsOf, MAX_SETTINGS, strokeOf } from '../lines.ts';
import type { Story } from '../story.ts';
import type { Draw, Section } from './section.ts';

/** Nothing where no run had a target. */
export async function targetsSection(story: Story, draw: Draw): Promise<Section | undefined> {
  const settings = story.design.settings.filter(({ configs }) => configs.some(({ runs }) => runs.some(hasTarget)));
  if (settings.length === 0) return undefined;
  const plots = settings.slice(0, MAX_SETTINGS).map((setting): Plot => {
    const panels = lifePanels(story, setting, (config) => lifeCurve(untilTarget(config), setting.steps, true));
    return {
      ...(settings.length > 1 && { heading: setting.label }),
      spec: lifeChart(panels, setting.steps, 'share at the target'),
      description: panels.map(describe).join(' '),
    };
  });
  const figure = await draw({
    title: 'Share of runs that reached the target',
    reading:
      'Over training, by the evaluation at which the validation metric first was there (Kaplan & Meier 1958); bands: 95 % at each step, none where it is all or none. A run that diverged never gets there.',
    plots,
  });
  return { id: 'targets', title: 'Steps to the target', body: html`${figure}${numbers(settings)}${fastest(settings)}` };
}

/** A panel for each strategy, in it a line for each threshold, and the reference in all. */
export function lifePanels(story: Story, setting: Setting, curve: (config: Config) => Line['curve']): CurvePanel[] {
  const reference = referenceOf(setting, story.design.reference);
  const base =
    reference === undefined
      ? []
      : [{ label: reference.name, stroke: strokeOf(story.design, reference.strategy), curve: curve(reference) }];
  const panels = groupsOf(story.design, setting, story.manifest, reference).map((group) => ({
    title: group.strategy,
    subtitle: group.subtitle,
    lines: [...base, ...group.members.map(({ config, label, stroke }) => ({ label, stroke, curve: curve(config) }))],
  }));
  return panels.length > 0 || base.length === 0 ? panels : [{ title: setting.label, subtitle: '', lines: base }];
}

export const lifeChart = (panels: CurvePanel[], steps: number, title: string) =>
  curves({ panels, columns: 3, steps, stepped: true, y: { title, domain: [0, 1.02], log: false, format: '.0%' } });

const describe = ({ title, lines }: CurvePanel): string =>
  `${title}: ${lines.map(({ label, curve }) => `${label} ${percent(curve.points.at(-1)?.mid ?? 0)} in the end`).join('; ')}.`;

function numbers(settings: readonly Setting[]): Html {
  const columns = ['Configuration', 'At the target', '95 % interval', 'Mean steps, up to the end', '95 % interval'].map(
    (title, i) => ({ title, numeric: i > 0 }),
  );
  const groups = settings.map((setting) => ({
    heading: setting.label,
    rows: setting.configs.map((config) => {
      const lives = untilTarget(config);
      const reached = lives.filter(({ happened }) => happened).length;
      const { low, high } = wilson(reached, lives.length);
      const uniform = stream('report', 'restricted mean', setting.label, config.name).uniform;
      const { mean, interval } = restricted(lives, setting.steps, uniform);
      return [
        config.name,
        `${whole(reached)} of ${whole(lives.length)}`,
        `${Math.round(100 * low)}–${percent(high)}`,
        significant(mean),
        interval === undefined ? '–' : `${significant(interval.low)} to ${significant(interval.high)}`,
      ];
    }),
  }));
  const seeds = Math.max(...settings.flatMap(({ configs }) => configs.map(({ runs }) => runs.length)));
  const caution = seeds < 10 ? `; with ${count(seeds, 'seed')} it is too narrow` : '';
  return html`${table('Steps to the target', columns, groups, true)}<p>The mean counts a run that isn't there by the end with all its steps (restricted mean, Royston &amp; Parmar 2013), so it compares configurations of one setting only. Its interval is a bootstrap over seeds${caution}.</p>`;
}

function fastest(settings: readonly Setting[]): Html | false {
  const speeds = speedsOf(settings);
  if (speeds.length === 0) return false;
  const columns = [
    { title: 'Configuration' },
    { title: 'AlgoPerf score', numeric: true },
    { title: 'Reached at', numeric: true },
  ];
  const rows = speeds.map(({ name, times, score }) => [
    name,
    score.toFixed(2),
    `${whole(times.filter(Number.isFinite).length)} of ${whole(times.length)}`,
  ]);
  return html`${table('Fastest to the target, over all settings', columns, [{ heading: '', rows }], rows.length > 20)}<p>By the median over seeds at each setting: 1 for one that is the fastest everywhere, 0 for one that nowhere gets there within four times the steps of the fastest (area under the profile of these ratios; Dahl et al. 2023). It depends on who ran. Reached at: settings at which the median is within training.</p>`;
}
