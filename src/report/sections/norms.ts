import { axisRange } from '../axis-range.ts';
import { type CurvePanel, curves, type Line } from '../charts/curves.ts';
import { normSpread } from '../charts/norm-spread.ts';
import { curveOf } from '../curve.ts';
import type { Config, Setting } from '../design.ts';
import type { Plot } from '../figure.ts';
import { significant, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { groupsOf, isAlone, MAX_SETTINGS, strokeOf, UNCLIPPED } from '../lines.ts';
import { spreadOf } from '../norm-bins.ts';
import type { Stroke } from '../palette.ts';
import type { Story } from '../story.ts';
import type { Draw, Section } from './section.ts';

export async function normsSection(story: Story, draw: Draw): Promise<Section> {
  const section = { id: 'norms', title: 'Gradient norms' };
  const settings = story.design.settings.slice(0, MAX_SETTINGS);
  const made = settings.map((setting) => ({ setting, panels: panelsOf(story, setting) }));
  const compared = made.filter(({ setting }) => !isAlone(story.design, setting));
  const rest = made.filter((one) => !compared.includes(one));
  // Panels with one line each stand side by side.
  const tasks = [...new Set(rest.map(({ setting }) => setting.task))];
  const grids = [
    ...compared.map(({ setting, panels }) => ({ ...setting, heading: setting.label, panels })),
    ...tasks.map((task) => {
      const own = rest.filter(({ setting }) => setting.task === task);
      const steps = Math.max(...own.map(({ setting }) => setting.steps));
      return { task, steps, heading: `${task}, ${UNCLIPPED} alone`, panels: own.flatMap(({ panels }) => panels) };
    }),
  ];
  const plots = grids.flatMap(({ task, steps, heading, panels }): Plot[] => {
    const same = made.filter(({ setting }) => setting.task === task).flatMap((other) => other.panels);
    const range = axisRange(
      same.flatMap((panel) => panel.lines.map((line) => line.curve)),
      'norm',
    );
    if (range === undefined) return [];
    const spec = curves({ panels, columns: 3, steps, y: { title: 'gradient norm', ...range } });
    const cut = range.cutAt === undefined ? '' : ` Norms above ${significant(range.cutAt)} lie outside the frame.`;
    return [{ heading, spec, description: `${describe(panels)}${cut}` }];
  });
  if (plots.length === 0) {
    return {
      ...section,
      body: html`<p class="empty">No gradient norm to draw: the runs recorded no finite, positive one (telemetry was off, or every gradient was 0).</p>`,
    };
  }
  const figure = await draw({
    title: 'Gradient norm before and after clipping',
    reading: `Median over seeds, logarithmic axis. Dotted: before clipping; full or dashed, in the same colour: after. ${leftOut(story)}${plots.some(({ description }) => description.includes('outside the frame')) ? ' A few norms far above all others lie outside the frame.' : ''}`,
    plots,
  });
  return {
    ...section,
    body: html`${figure}${await spreadFigure(story, settings, draw)}${await cosineFigure(story, settings, draw)}`,
  };
}

/** Panels hold more than this many configurations in the table of runs alone. */
const MOST_ROWS = 40;

async function spreadFigure(story: Story, settings: readonly Setting[], draw: Draw): Promise<Html> {
  const panels = settings.flatMap((setting) => {
    const rows = setting.configs.slice(0, MOST_ROWS).flatMap((config) => {
      const own = config.runs.flatMap(({ id }) => story.norms.get(id) ?? []);
      const [before, after] = [spreadOf(own.map((one) => one.before)), spreadOf(own.map((one) => one.after))];
      return before === undefined || after === undefined
        ? []
        : [
            {
              name: config.name,
              stroke: strokeOf(story.design, config.strategy),
              before: before.quantiles,
              after: after.quantiles,
            },
          ];
    });
    return rows.length === 0 ? [] : [{ setting, title: setting.label, rows }];
  });
  if (panels.length === 0) return html``;
  const tasks = [...new Set(panels.map(({ setting }) => setting.task))];
  const plots = tasks.map((task): Plot => {
    const own = panels.filter(({ setting }) => setting.task === task);
    const middle = (quantiles: readonly number[]) => significant(quantiles[2]);
    return {
      ...(tasks.length > 1 && { heading: task }),
      spec: normSpread({ panels: own }),
      description: own
        .map(
          ({ title, rows }) =>
            `${title}: ${rows.map(({ name, before, after }) => `${name} median ${middle(before)} before, ${middle(after)} after`).join('; ')}.`,
        )
        .join(' '),
    };
  });
  return draw({
    title: 'How gradient norms spread over the steps',
    reading:
      'Of the logged steps of all seeds: upper, grey bars before clipping, lower ones after it. Thin: from 5 to 95 %; thick: the middle half; upright: the median. Right to 6 %.',
    plots,
  });
}

/** Where telemetry was full, and some strategy turned the gradient. */
async function cosineFigure(story: Story, settings: readonly Setting[], draw: Draw): Promise<Html> {
  const tracks = story.steps.tracks.get('cosine');
  if (tracks === undefined) return html``;
  const grids = settings.flatMap((setting) => {
    const panels = groupsOf(story.design, setting, story.manifest).map((group) => ({
      title: group.strategy,
      subtitle: group.subtitle,
      lines: group.members.map(({ config, label, stroke }) => ({
        label,
        stroke,
        curve: curveOf(config, tracks, -Infinity),
      })),
    }));
    const turned = panels.filter(({ lines }) =>
      lines.some(({ curve }) => curve.points.some(({ low }) => low < TURNED)),
    );
    return turned.length === 0 ? [] : [{ setting, panels: turned }];
  });
  if (grids.length === 0)
    return html`<p>The cosine between the gradient before and after clipping was 1 throughout: no strategy turned it.</p>`;
  return draw({
    title: 'Cosine between the gradient before and after clipping',
    reading:
      'Median over seeds, and the band of those still running: 1 where clipping only shortens, less where it also turns the gradient. Strategies that never turned it have no panel.',
    plots: grids.map(({ setting, panels }): Plot => {
      const least = Math.min(
        ...panels.flatMap(({ lines }) => lines.flatMap(({ curve }) => curve.points.map(({ low }) => low))),
      );
      const y = { title: 'cosine', domain: [Math.max(-1, least - 0.05), 1.02] as const, log: false, format: '~r' };
      return {
        ...(grids.length > 1 && { heading: setting.label }),
        spec: curves({ panels, columns: 3, steps: setting.steps, y }),
        description: describeEnds(panels),
      };
    }),
  });
}

/** Rounding alone makes less of a difference. */
const TURNED = 0.9999;

const describeEnds = (panels: readonly CurvePanel[]): string =>
  panels
    .map(
      ({ title, lines }) =>
        `${title}: ${lines.map(({ label, curve }) => `${label} ${significant(curve.points.at(-1)?.mid)} in the end`).join('; ')}.`,
    )
    .join(' ');

function panelsOf(story: Story, setting: Setting): CurvePanel[] {
  const unclipped = setting.configs.find((config) => config.strategy === UNCLIPPED);
  // Before and after are the same here: one line, in every panel.
  const stroke = strokeOf(story.design, UNCLIPPED);
  const base = unclipped === undefined ? [] : [line(story, unclipped, 'clipped_norm', unclipped.name, stroke)];
  const groups = groupsOf(story.design, setting, story.manifest, unclipped);
  if (groups.length === 0 && base.length > 0) return [{ title: setting.label, subtitle: '', lines: base }];
  return groups.map((group) => ({
    title: group.strategy,
    subtitle: group.subtitle,
    lines: [
      ...base,
      ...group.members.flatMap(({ config, label, stroke }) => [
        { ...line(story, config, 'grad_norm', label, stroke), faint: true },
        line(story, config, 'clipped_norm', label, stroke),
      ]),
    ],
  }));
}

/** Without a band and without crosses: those are in the loss curves, and six lines to a panel are enough. */
function line(story: Story, config: Config, series: string, label: string, stroke: Stroke): Line {
  const curve = curveOf(config, story.steps.tracks.get(series), Infinity);
  const points = curve.points.map((point) => ({ ...point, low: point.mid, high: point.mid }));
  return { label, stroke, curve: { ...curve, points, drops: [] } };
}

function describe(panels: readonly CurvePanel[]): string {
  const end = ({ label, curve, faint }: Line) => {
    const last = curve.points.at(-1);
    return last === undefined ? [] : [`${label} ${faint === true ? 'before' : 'after'}: ${significant(last.mid)}`];
  };
  return panels.map((panel) => `${panel.title}, last median: ${panel.lines.flatMap(end).join('; ')}.`).join(' ');
}

/** A logarithmic axis has no place for 0, and none for what isn't finite. */
function leftOut(story: Story): string {
  const all = ['grad_norm', 'clipped_norm'].map((series) => story.steps.leftOut.get(series));
  const zeros = all.reduce((sum, left) => sum + (left?.nonPositive ?? 0), 0);
  const endless = all.reduce((sum, left) => sum + (left?.nonFinite ?? 0), 0);
  if (zeros + endless === 0) return 'Every recorded norm is finite and positive.';
  return `Left out, since the axis has no place for them: ${whole(zeros)} norms that are 0 and ${whole(endless)} that are infinite or not a number.`;
}
