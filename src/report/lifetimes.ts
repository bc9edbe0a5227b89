/** How long runs last until they diverge or reach their target, as curves and in numbers. */
import { parseCanonical } from '../canonical.ts';
import { type Interval, stratifiedBootstrap } from '../stats/bootstrap.ts';
import { median } from '../stats/quantile.ts';
import { kaplanMeier, type Lifetime, restrictedMean } from '../stats/survival.ts';
import { algoperfScores } from '../stats/time-to-target.ts';
import type { Curve } from './curve.ts';
import type { Config, Run, Setting } from './design.ts';
import { number, text } from './row.ts';

/** A run that didn't diverge was watched to its end. */
export const untilDivergence = ({ runs }: Config): Lifetime[] =>
  runs.map(({ divergedAt, steps }) => ({ time: divergedAt ?? steps, happened: divergedAt !== undefined }));

/** A run that diverged never gets there: it counts as one that hadn't by the end. Only runs with a target. */
export const untilTarget = ({ runs }: Config): Lifetime[] =>
  runs.filter(hasTarget).map((run) => {
    const reached = number(run.row, 'steps_to_target');
    return { time: reached ?? run.steps, happened: reached !== undefined };
  });

export function hasTarget({ row }: Run): boolean {
  const written = text(row, 'cell_options');
  const options = written === '' ? undefined : parseCanonical(written);
  return typeof options === 'object' && options !== null && 'target' in options;
}

/** Kaplan-Meier: the share to which it hasn't happened yet, or, `risen`, has. To the end of training. */
export function lifeCurve(lifetimes: readonly Lifetime[], steps: number, risen: boolean): Curve {
  const found = kaplanMeier(lifetimes);
  const last = found.at(-1);
  const all = last === undefined || last.time >= steps ? found : [...found, { ...last, time: steps }];
  const points = all.map(({ time, survival, ...band }) => {
    // Of all, or of none, there is no interval that says anything.
    const { low, high } = survival === 0 || survival === 1 ? { low: survival, high: survival } : band;
    return {
      step: time,
      mid: risen ? 1 - survival : survival,
      low: risen ? 1 - high : low,
      high: risen ? 1 - low : high,
      values: [],
    };
  });
  return { points, drops: [], left: lifetimes.length, seeds: lifetimes.length };
}

export interface Speed {
  name: string;
  /** Steps to the target, the median over seeds, by setting; Infinity where that is never. */
  times: number[];
  /** Of AlgoPerf. */
  score: number;
}

/** Who is fastest over settings, best first: those that ran at all of them. None for one setting, or one configuration. */
export function speedsOf(settings: readonly Setting[]): Speed[] {
  const names = (settings[0]?.configs ?? [])
    .map(({ name }) => name)
    .filter((name) => settings.every(({ configs }) => configs.some((config) => config.name === name)));
  if (settings.length < 2 || names.length < 2) return [];
  const typical = (config: Config) =>
    median(untilTarget(config).map(({ time, happened }) => (happened ? time : Number.POSITIVE_INFINITY)));
  const times = names.map((name) =>
    settings.flatMap(({ configs }) => configs.filter((config) => config.name === name).map(typical)),
  );
  const scores = algoperfScores(times);
  return names
    .map((name, i) => ({ name, times: times[i] ?? [], score: scores[i] ?? Number.NaN }))
    .sort((a, b) => b.score - a.score);
}

/** Mean steps, counted up to the end of training, with the interval over resampled seeds. */
export function restricted(
  lifetimes: readonly Lifetime[],
  steps: number,
  uniform: () => number,
): { mean: number; interval: Interval | undefined } {
  const indices = lifetimes.map((_, i) => i);
  const pick = (drawn: ArrayLike<number>) => Array.from(drawn).flatMap((i) => lifetimes[i] ?? []);
  // Resamples of seeds that are all alike are alike too, which says nothing of other seeds.
  const alike = lifetimes.every(
    ({ time, happened }) => time === lifetimes[0]?.time && happened === lifetimes[0].happened,
  );
  const [interval] =
    lifetimes.length < 2 || alike
      ? []
      : stratifiedBootstrap([indices], ([drawn = []]) => [restrictedMean(pick(drawn), steps)], {
          uniform,
          replicates: 2000,
        });
  return { mean: restrictedMean(lifetimes, steps), interval };
}
