/** Of configurations over several settings: what a step costs against how good they are, and steps a second. */
import { median, quantile } from '../../stats/quantile.ts';
import type { Aggregate, Contender } from '../across.ts';
import { cost } from '../charts/cost.ts';
import { intervals } from '../charts/intervals.ts';
import type { Plot } from '../figure.ts';
import { significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { strokeOf } from '../lines.ts';
import type { Story } from '../story.ts';
import type { Draw } from './section.ts';

/** Time of a step by setting relative to the mean there, so that small and large models count the same. */
export async function costFigures(story: Story, all: readonly Aggregate[], draw: Draw): Promise<Html> {
  const timeOf = ({ runs }: Contender['configs'][number]) => runs.flatMap(({ id }) => story.times.get(id) ?? []);
  const timed = all.filter(({ contender }) => contender.configs.every((config) => timeOf(config).length > 0));
  if (timed.length < 2) return html``;
  const middles = timed.map(({ contender }) => contender.configs.map((config) => median(timeOf(config))));
  const means = (middles[0] ?? []).map((_, s) => middles.reduce((sum, own) => sum + (own[s] ?? 0), 0) / timed.length);
  const points = timed.map(({ contender, iqm, interval }, i) => {
    const ratios = (middles[i] ?? []).map((time, s) => time / (means[s] ?? 1));
    return {
      name: contender.name,
      stroke: strokeOf(story.design, contender.strategy),
      cost: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
      quality: iqm,
      ...interval,
    };
  });
  const costs = points.map((point) => point.cost);
  const pad = 0.05 * (Math.max(...costs) - Math.min(...costs) || 1);
  const scatter: Plot = {
    spec: cost({
      points,
      x: {
        title: 'time of a step, as a multiple of the mean',
        domain: [Math.min(...costs) - pad, Math.max(...costs) + 4 * pad],
      },
      y: { title: 'interquartile mean score', domain: [0, 1] },
    }),
    description: points
      .map(({ name, cost: own, quality }) => `${name}: ${significant(own)} times, score ${quality.toFixed(2)}`)
      .join('; ')
      .concat('.'),
  };
  const caution =
    'Times were taken while other runs shared the machine: no benchmark, and good for large differences only.';
  const costFigure = await draw({
    title: 'What a configuration costs, and how good it is',
    reading: `Up and to the left is better. ${caution}`,
    plots: [scatter],
  });
  const settings = [...new Set(timed.flatMap(({ contender }) => contender.configs))].length / timed.length;
  const panels = Array.from({ length: Math.min(settings, MOST_PANELS) }, (_, s) => ({
    title: labelOf(story, timed[0]?.contender, s),
    unit: 'steps a second',
    rows: timed.slice(0, MOST_BARS).map(({ contender }) => {
      const rates = timeOf(
        contender.configs[s] ?? { strategy: '', threshold: undefined, label: '', name: '', runs: [] },
      ).map((ms) => 1000 / ms);
      return {
        name: contender.name,
        stroke: strokeOf(story.design, contender.strategy),
        estimate: median(rates),
        low: quantile(rates, 0.25),
        high: quantile(rates, 0.75),
      };
    }),
  }));
  const top = Math.max(...panels.flatMap(({ rows }) => rows.map(({ high }) => high)));
  const bars = await draw({
    title: 'Training steps a second',
    reading: `Bars: median over seeds; lines: their middle half. ${caution} They stand in timing.csv.`,
    plots: [
      {
        spec: intervals({ panels, bars: true, domain: [0, 1.05 * top] }),
        description: panels
          .map(
            ({ title, rows }) =>
              `${title}: ${rows.map(({ name, estimate }) => `${name} ${significant(estimate)}`).join('; ')}.`,
          )
          .join(' '),
      },
    ],
  });
  return html`${costFigure}${bars}`;
}

const [MOST_PANELS, MOST_BARS] = [8, 40];

const labelOf = ({ design }: Story, contender: Contender | undefined, s: number): string =>
  design.settings.find(({ configs }) => configs.some((config) => config === contender?.configs[s]))?.label ?? '';
