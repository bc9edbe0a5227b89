import { wilson } from '../../stats/wilson.ts';
import { divergence } from '../charts/divergence.ts';
import type { Run } from '../design.ts';
import { count, percent } from '../format.ts';
import { html } from '../html.ts';
import { lifeCurve, untilDivergence } from '../lifetimes.ts';
import { MAX_SETTINGS, strokeOf } from '../lines.ts';
import type { Story } from '../story.ts';
import type { Draw, Section } from './section.ts';
import { lifeChart, lifePanels } from './targets.ts';

const isLost = ({ divergedAt }: Run): boolean => divergedAt !== undefined;

export async function divergenceSection(story: Story, draw: Draw): Promise<Section> {
  const section = { id: 'divergence', title: 'Divergence' };
  const { design } = story;
  const diverged = design.runs.filter((run) => run.divergedAt !== undefined).length;
  if (diverged === 0) {
    const most = Math.max(...design.settings.flatMap((setting) => setting.configs.map((config) => config.runs.length)));
    return {
      ...section,
      body: html`<p class="empty">None of the ${count(design.runs.length, 'run')} diverged. That is weaker than it sounds: 0 of ${count(most, 'seed')} leaves a true rate of up to ${percent(wilson(0, most).high)} within the 95 % interval of a single configuration.</p>`,
    };
  }
  const panels = design.settings
    .filter((setting) => setting.configs.some((config) => config.runs.some((run) => run.divergedAt !== undefined)))
    .slice(0, MAX_SETTINGS)
    .map((setting) => ({
      title: setting.label,
      bars: setting.configs.map((config) => {
        const k = config.runs.filter((run) => run.divergedAt !== undefined).length;
        return {
          name: config.name,
          stroke: strokeOf(design, config.strategy),
          diverged: k,
          runs: config.runs.length,
          ...wilson(k, config.runs.length),
        };
      }),
    }));
  const calm = design.settings.length - panels.length;
  const figure = await draw({
    title: 'Runs that diverged, by configuration',
    reading: `Bars: share of the seeds that diverged; lines: 95 % Wilson interval; the fraction counts runs. ${calm > 0 ? `${count(calm, 'setting')} without any divergence ${calm === 1 ? 'is' : 'are'} not drawn.` : ''}`,
    plots: [
      {
        spec: divergence({ panels }),
        description: panels
          .map(
            (panel) =>
              `${panel.title}: ${panel.bars.map((bar) => `${bar.name} ${bar.diverged} of ${bar.runs}`).join('; ')}.`,
          )
          .join(' '),
      },
    ],
  });
  const lost = design.settings
    .filter(({ configs }) => configs.some(({ runs }) => runs.some(isLost)))
    .slice(0, MAX_SETTINGS);
  const survival = await draw({
    title: 'Share of runs that have not diverged',
    reading: 'Over training (Kaplan & Meier 1958); bands: 95 % at each step, none where it is all or none.',
    plots: lost.map((setting) => {
      const alive = lifePanels(story, setting, (config) => lifeCurve(untilDivergence(config), setting.steps, false));
      const left = alive.map(
        ({ title, lines }) =>
          `${title}: ${lines.map(({ label, curve }) => `${label} ${percent(curve.points.at(-1)?.mid ?? 0)} in the end`).join('; ')}.`,
      );
      return {
        ...(lost.length > 1 && { heading: setting.label }),
        spec: lifeChart(alive, setting.steps, 'share still running'),
        description: left.join(' '),
      };
    }),
  });
  return {
    ...section,
    body: html`<p>${count(diverged, 'run')} of ${design.runs.length} diverged: at some step the loss was not finite, or an update made a parameter not finite. Such a run stops there; it is a result, and ranks below every run that completed.</p>${figure}${survival}`,
  };
}
