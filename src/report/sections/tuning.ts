import { selectionColumn, type Tune } from '../../manifest.ts';
import { medianBest, medianBestBand } from '../../stats/tuning-curve.ts';
import { axisRange } from '../axis-range.ts';
import { type CurvePanel, curves, type Line } from '../charts/curves.ts';
import type { Curve } from '../curve.ts';
import { type Plot, type TableColumn, table } from '../figure.ts';
import { aligned, count, list, significant, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { chunks, MAX_SETTINGS, others, strokeOf } from '../lines.ts';
import { HUES } from '../palette.ts';
import type { Story } from '../story.ts';
import { type Contest, contestsOf, isHigherBetter } from '../trials.ts';
import { metricWords, words } from '../vary.ts';
import type { Draw, Section } from './section.ts';

/** With fewer trials a curve shows nothing. */
const MIN_TRIALS = 3;

/** Nothing where nothing was tuned. */
export async function tuningSection(story: Story, draw: Draw): Promise<Section | undefined> {
  const { tune } = story.manifest;
  if (tune === undefined) return undefined;
  const contests = contestsOf(story.rows, story.design, story.manifest);
  const nowhere = selectionColumn(story.manifest.compare) === 'steps_to_target' ? 'not reached' : 'diverged';
  if (contests.length === 0) return undefined;
  const trials = Math.max(...contests.map((contest) => contest.trials.length));
  const seeds = Math.max(...contests.map((contest) => contest.seeds));
  const body = html`<p>${howText(tune, trials, seeds)}${untuned(contests, trials)} The trial with the best median was run again on the seeds that are compared, which are others; only those runs read the test split.</p>
${chosenTable(contests, tune, metricOf(story), nowhere)}${trials >= MIN_TRIALS && (await budgetFigure(story, contests, tune, draw))}`;
  return { id: 'tuning', title: 'Tuning', body };
}

const methods = {
  grid: 'every value that the matrix names',
  random: 'independent draws from the ranges that the matrix names',
  quasi_random: 'evenly spread draws (Halton) from the ranges that the matrix names',
};

const howText = ({ over, method = 'grid' }: Tune, trials: number, seeds: number): string =>
  `The ${list(over.map(words))} of each strategy ${over.length > 1 ? 'were' : 'was'} chosen by ${count(trials, 'trial')} on ${count(seeds, 'seed')}: ${methods[method]}, the same number for each.`;

/** Of those that have nothing to tune, such as `none` where thresholds are tuned. */
function untuned(contests: readonly Contest[], most: number): Html | false {
  const names = [
    ...new Set(contests.filter(({ trials }) => most > 1 && trials.length === 1).map(({ config }) => config.name)),
  ];
  if (names.length === 0) return false;
  const who = names.map((name, i) => html`${i > 0 && (i === names.length - 1 ? ' and ' : ', ')}<code>${name}</code>`);
  return html` ${who} ${names.length === 1 ? 'has' : 'have'} nothing to tune.`;
}

/** `final validation accuracy`; of several tasks, whose metrics differ, `final validation metric`. */
function metricOf({ manifest, design }: Story): string {
  const column = selectionColumn(manifest.compare);
  if (column === 'steps_to_target') return 'steps to the target';
  const [at, ...rest] = (column === 'area' ? 'mean_val_metric' : column).split('_');
  const names = new Set(design.settings.map(({ metric }) => metric?.name ?? 'metric'));
  const [name = 'metric'] = names.size === 1 ? names : [];
  return `${at} ${metricWords(rest.join('_').replace(/metric$/, name))}`;
}

function chosenTable(contests: readonly Contest[], { over }: Tune, metric: string, nowhere: string): Html {
  const shown = (value: number, format: (value: number) => string) =>
    Number.isFinite(value) ? format(value) : nowhere;
  const isOpen = ({ trials, chosen }: Contest) => trials.length > 1 && !Number.isFinite(chosen.value);

  const columns: TableColumn[] = [
    { title: 'Strategy' },
    ...over.map((name) => ({ title: `Chosen ${words(name)}`, numeric: true })),
    { title: 'Median of the trial', numeric: true },
    { title: 'Median when compared', numeric: true },
    { title: 'Trials', numeric: true },
    { title: 'Diverged runs of trials', numeric: true },
  ];
  const settings = [...new Set(contests.map(({ setting }) => setting))];
  const groups = settings.map((setting) => {
    const own = contests.filter((contest) => contest.setting === setting);
    const format = aligned(own.flatMap(({ chosen, confirmed }) => [chosen.value, confirmed]));
    return {
      heading: settings.length > 1 ? setting.label : '',
      rows: own.map((contest) => {
        const { config, chosen, confirmed, trials, seeds } = contest;
        return [
          config.name,
          ...over.map((name) =>
            chosen[name] === undefined ? '–' : `${significant(chosen[name])}${isOpen(contest) ? ' (the first)' : ''}`,
          ),
          shown(chosen.value, format),
          shown(confirmed, format),
          whole(trials.length),
          `${whole(trials.reduce((sum, { diverged }) => sum + diverged, 0))} of ${whole(trials.length * seeds)}`,
        ];
      }),
    };
  });
  return html`${table(`What was chosen, by the ${metric}`, columns, groups)}<p>The median of the chosen trial is the best of several, so it flatters; the one when compared does not.${contests.some(isOpen) && ' Where every trial came to nothing, the first was taken.'}</p>`;
}

async function budgetFigure(story: Story, contests: readonly Contest[], tune: Tune, draw: Draw): Promise<Html> {
  const column = selectionColumn(story.manifest.compare);
  const missed = column === 'steps_to_target' ? 'never reached the target' : 'diverged';
  const settings = [...new Set(contests.map(({ setting }) => setting))].slice(0, MAX_SETTINGS);
  const { design } = story;
  const panels = settings.flatMap((setting) =>
    chunks(others(design), HUES).flatMap((strategies) => {
      const own = contests.filter(
        ({ setting: at, config }) =>
          at === setting && (config.strategy === design.reference || strategies.includes(config.strategy)),
      );
      const lines = own.map((contest) => lineOf(story, contest, isHigherBetter(setting, column)));
      return lines.length < 2 ? [] : [{ setting, panel: { title: setting.label, subtitle: '', lines } }];
    }),
  );
  const groups = [...new Set(panels.map(({ setting }) => setting.group))];
  const plots = groups.flatMap((group) => {
    const own = panels.filter(({ setting }) => setting.group === group);
    return plotOf(
      own.map(({ panel }) => panel),
      metricOf(story),
      groups.length > 1 ? group : undefined,
      missed,
    );
  });
  if (plots.length === 0) return html``;
  const caution =
    tune.method === 'random'
      ? ''
      : ' The trials of this experiment were no independent draws, so this describes them, and proves nothing of others.';
  return draw({
    title: 'What a smaller tuning budget would have found',
    reading: html`The median best trial out of n, if n trials had been drawn at random from those that were made (Dodge et al. 2019): who leads at a small budget, and from which budget on does it not matter? ${bandText(panels.map(({ panel }) => panel))}${caution} A trial whose runs ${missed} counts as the worst.`,
    plots,
  });
}

function bandText(panels: readonly CurvePanel[]): string {
  const bands = panels.flatMap(({ lines }) =>
    lines.map(({ curve }) => curve.points.filter(({ low, high }) => low < high)),
  );
  return bands.some((points) => points.length > 1)
    ? 'The band holds the true curve of independent draws for all n at once with 95 % (Lourie, Cho & He 2023); it stops where so many trials set it no end.'
    : 'So few trials set the 95 % band of the true curve no ends, so none is drawn.';
}

function lineOf({ design }: Story, { config, trials }: Contest, higher: boolean): Line {
  const sign = higher ? 1 : -1;
  const scores = trials.map(({ value }) => sign * value);
  const ns = trials.map((_, i) => i + 1);
  const { low, high } = medianBestBand(scores, ns, { low: -Infinity, high: Infinity });
  const points = ns.flatMap((n, i) => {
    const mid = sign * medianBest(scores, n);
    const ends = [low[i], high[i]].map((end) => sign * (end ?? Number.NaN)).sort((a, b) => a - b);
    const [least = mid, most = mid] = ends.every(Number.isFinite) ? ends : [];
    return Number.isFinite(mid) ? [{ step: n, mid, low: least, high: most, values: [] }] : [];
  });
  const curve: Curve = { points, drops: [], left: 1, seeds: 1 };
  return { label: config.name, stroke: strokeOf(design, config.strategy), curve };
}

function plotOf(panels: CurvePanel[], metric: string, heading: string | undefined, missed: string): Plot[] {
  const range = axisRange(
    panels.flatMap(({ lines }) => lines.map(({ curve }) => curve)),
    'metric',
  );
  if (range === undefined) return [];
  const steps = Math.max(
    ...panels.flatMap(({ lines }) => lines.flatMap(({ curve }) => curve.points.map(({ step }) => step))),
  );
  const spec = curves({
    panels,
    columns: 2,
    steps,
    x: { title: 'trials', format: '~s' },
    y: { title: metric, ...range },
  });
  const description = panels
    .map(({ title, lines }) => `${title}: ${lines.map((line) => ending(line, missed)).join('; ')}.`)
    .join(' ');
  return [{ ...(heading !== undefined && { heading }), spec, description }];
}

function ending({ label, curve }: Line, missed: string): string {
  const [first, last] = [curve.points[0], curve.points.at(-1)];
  if (first === undefined || last === undefined) return `${label}: every trial ${missed}`;
  return `${label} from ${significant(first.mid)} with ${count(first.step, 'trial')} to ${significant(last.mid)} with ${whole(last.step)}`;
}
