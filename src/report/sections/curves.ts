import { axisRange } from '../axis-range.ts';
import { type CurvePanel, curves, type Line } from '../charts/curves.ts';
import { type Curve, FULL_BAND, withinFrame } from '../curve.ts';
import { referenceOf, type Setting } from '../design.ts';
import type { Figure, Plot } from '../figure.ts';
import { significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { chunks, groupsOf, hasThresholds, isAlone, MAX_SETTINGS, others, strokeOf } from '../lines.ts';
import { bestOf, curveFor, type Measure, trainingLoss, validationOf } from '../measures.ts';
import { HUES } from '../palette.ts';
import type { Story } from '../story.ts';
import type { Draw, Section } from './section.ts';

export async function curvesSection(story: Story, draw: Draw): Promise<Section> {
  const body: Html[] = [];
  const drawn = story.design.settings.slice(0, MAX_SETTINGS);
  const skipped = story.design.settings.length - drawn.length;
  if (skipped > 0)
    body.push(html`<p>The first ${MAX_SETTINGS} settings are drawn; ${skipped} more are in the tables.</p>`);
  const thresholds = hasThresholds(story.design);
  const validation = (setting: Setting) => validationOf(story, setting);
  const loss = () => trainingLoss;
  const alone = drawn.filter((setting) => isAlone(story.design, setting));
  const pages = chunks(others(story.design), HUES).map((strategies) => ({
    strategies,
    settings: drawn.filter(({ configs }) => configs.some(({ strategy }) => strategies.includes(strategy))),
  }));
  for (const { strategies, settings } of [...pages, { strategies: [], settings: alone }]) {
    if (settings.length === 0) continue;
    body.push(await overview(story, draw, settings, validation, strategies, thresholds));
    if (!thresholds) body.push(await overview(story, draw, settings, loss, strategies, false));
  }
  if (thresholds) {
    const compared = drawn.filter((setting) => !alone.includes(setting));
    body.push(await byThreshold(story, draw, compared, validation, 'Validation over training, threshold by threshold'));
    body.push(await byThreshold(story, draw, compared, loss, 'Training loss, threshold by threshold'));
  }
  return { id: 'curves', title: 'Learning curves', body: html`${body}` };
}

/** One panel for each setting, one line for the reference and each strategy, at the threshold that ended best there. */
async function overview(
  story: Story,
  draw: Draw,
  settings: readonly Setting[],
  measure: (setting: Setting) => Measure,
  strategies: readonly string[],
  chosen: boolean,
): Promise<Html> {
  const plots = overviewPlots(story, settings, measure, strategies);
  const isLoss = settings.every((setting) => measure(setting).source === 'steps');
  const name = isLoss ? 'Training loss' : 'Validation over training';
  const isChosen = chosen && strategies.length > 0;
  const what = strategies.length === 0 ? `${story.design.reference} alone` : 'one line for each strategy';
  const title = `${name}, ${isChosen ? 'each strategy at its best threshold' : what}`;
  const caution = isChosen
    ? 'The threshold of each line is the one with the best median at the end, picked after seeing the results: this flatters every strategy with thresholds to pick from, so no verdict rests on it. '
    : '';
  // Where each threshold has a line below, the loss has no figure of its own here.
  const losses = chosen ? overviewPlots(story, settings, () => trainingLoss, strategies) : [];
  const others = losses.length > 0 ? [{ metric: trainingLoss.name, plots: losses }] : [];
  const metric = 'validation';
  return drawOr(draw, { title, reading: `${caution}${reading(story, plots)}`, plots, metric, others }, name);
}

function overviewPlots(
  story: Story,
  settings: readonly Setting[],
  measure: (setting: Setting) => Measure,
  strategies: readonly string[],
): Plot[] {
  const { design } = story;
  const made = settings.map((setting) => {
    const shown = [...(design.reference === undefined ? [] : [design.reference]), ...strategies];
    const lines = shown.flatMap((strategy): Line[] => {
      const best = bestOf(story, setting, strategy);
      if (best === undefined) return [];
      return [{ label: best.name, stroke: strokeOf(design, strategy), curve: curveFor(story, best, measure(setting)) }];
    });
    return {
      setting,
      measure: measure(setting),
      panel: { title: setting.label, subtitle: measure(setting).name, lines },
    };
  });
  const groups = [...new Set(made.map(({ setting }) => setting.group))];
  return groups.flatMap((group) => {
    const own = made.filter(({ setting }) => setting.group === group);
    return plotOf(
      own.map(({ panel }) => panel),
      own[0]?.measure,
      Math.max(...own.map(({ setting }) => setting.steps)),
      strategies.length === 0 ? 3 : 2,
      groups.length > 1 ? group : undefined,
    );
  });
}

/** One plot for each setting; in it a panel for each strategy with a line for each threshold, and the reference in all. */
async function byThreshold(
  story: Story,
  draw: Draw,
  settings: readonly Setting[],
  measure: (setting: Setting) => Measure,
  title: string,
): Promise<Html> {
  const made = settings.map((setting) => ({
    setting,
    measure: measure(setting),
    panels: panelsOf(story, setting, measure(setting)),
  }));
  const plots = made.flatMap((own) => {
    // One axis for all settings of a task, so that panels can be compared at a glance.
    const same = made.filter(({ setting }) => setting.group === own.setting.group).flatMap(({ panels }) => panels);
    return plotOf(own.panels, own.measure, own.setting.steps, 3, own.setting.label, same);
  });
  return drawOr(draw, { title, reading: reading(story, plots), plots }, title);
}

function panelsOf(story: Story, setting: Setting, measure: Measure): CurvePanel[] {
  const reference = referenceOf(setting, story.design.reference);
  const base: Line[] =
    reference === undefined
      ? []
      : [
          {
            label: reference.name,
            stroke: strokeOf(story.design, reference.strategy),
            curve: curveFor(story, reference, measure),
          },
        ];
  return groupsOf(story.design, setting, story.manifest, reference).map((group) => ({
    title: group.strategy,
    subtitle: group.subtitle,
    lines: [
      ...base,
      ...group.members.map(({ config, label, stroke }) => ({ label, stroke, curve: curveFor(story, config, measure) })),
    ],
  }));
}

function plotOf(
  panels: CurvePanel[],
  measure: Measure | undefined,
  steps: number,
  columns: number,
  heading: string | undefined,
  same: readonly CurvePanel[] = panels,
): Plot[] {
  const range = axisRange(
    same.flatMap((panel) => panel.lines.map((line) => line.curve)),
    measure?.kind ?? 'metric',
  );
  if (measure === undefined || range === undefined) return [];
  const { cutAt } = range;
  const shown = panels.map((panel) => ({
    ...panel,
    lines: panel.lines.map((line) => (cutAt === undefined ? line : { ...line, curve: withinFrame(line.curve, cutAt) })),
  }));
  const spec = curves({ panels: shown, columns, steps, y: { title: measure.name, ...range } });
  const cut = range.cutAt === undefined ? '' : ` Values above ${significant(range.cutAt)} lie outside the frame.`;
  const description = panels.map((panel) => `${panel.title}: ${panel.lines.map(ending).join('; ')}.`).join(' ');
  return [{ ...(heading !== undefined && { heading }), spec, description: `${description}${cut}` }];
}

const ending = ({ label, curve }: { label: string; curve: Curve }): string => {
  const last = curve.points.at(-1);
  const left = curve.left < curve.seeds ? `, ${curve.left} of ${curve.seeds} seeds left` : '';
  return last === undefined
    ? `${label} has no value`
    : `${label} ends at ${significant(last.mid)} at step ${Math.round(last.step)}${left}`;
};

function reading(story: Story, plots: readonly Plot[]): string {
  const seeds = Math.max(
    0,
    ...story.design.settings.flatMap((setting) => setting.configs.map((config) => config.runs.length)),
  );
  const band =
    seeds < 2
      ? ''
      : seeds > FULL_BAND
        ? ' The band holds the middle 80 % of the seeds still running.'
        : ' The band runs from the lowest to the highest seed still running.';
  const cut = plots.some((plot) => plot.description.includes('outside the frame'))
    ? ' Seeds above the frame are left out of the band.'
    : '';
  const lost = story.design.runs.every((run) => run.divergedAt === undefined)
    ? ''
    : ' × marks where seeds diverged, and the fraction beside it how many are left; a diverged seed counts as worse than any other, so a line ends where half of them are gone.';
  return `Each line is the median over seeds.${band}${lost}${cut}`;
}

const drawOr = (draw: Draw, figure: Figure, what: string): Promise<Html> | Html =>
  figure.plots.length > 0
    ? draw(figure)
    : html`<p class="empty">${what}: nothing to draw, since no run recorded a finite value of it.</p>`;
