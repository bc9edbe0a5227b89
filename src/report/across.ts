/** Configurations over several settings at once: scores on one scale, aggregates with their intervals, and who beats whom. */
import { stream } from '../engine/random.ts';
import { type Interval, stratifiedBootstrap } from '../stats/bootstrap.ts';
import { rankStability } from '../stats/rank-stability.ts';
import {
  interquartileMean,
  medianScore,
  optimalityGap,
  probabilityOfImprovement,
  scoreProfile,
} from '../stats/scores.ts';
import { outcomeOf } from './comparison.ts';
import type { Config, Run, Setting } from './design.ts';
import { number } from './row.ts';
import type { Results } from './story.ts';

/** Of every interval here. */
export const REPLICATES = 2000;
/** Scores at which profiles are drawn. */
export const TAUS = Array.from({ length: 51 }, (_, i) => i / 50);

export interface Contender {
  name: string;
  strategy: string;
  /** Of each setting, by seed: 0 for the worst run there, or one that diverged, 1 for the best. */
  scores: number[][];
  configs: Config[];
}

export interface Across {
  settings: Setting[];
  contenders: Contender[];
  /** The one that all others are held against, where it is among them. */
  reference: Contender | undefined;
}

export interface Aggregate {
  contender: Contender;
  iqm: number;
  interval: Interval;
  median: number;
  gap: number;
  /** By medians over seeds, mean over settings; and how often no other ranked before it. */
  rank: number;
  first: number;
}

/** Undefined where fewer than two configurations ran at the same two settings. */
export function acrossOf({ design, manifest }: Results): Across | undefined {
  const { compare } = manifest;
  const outcome = (setting: Setting) =>
    compare === undefined
      ? { column: 'final_val_metric', better: setting.metric?.better ?? 'higher' }
      : outcomeOf(setting, compare);
  const usable = design.settings.filter((setting) => outcome(setting) !== undefined && setting.configs.length > 1);
  const names = (usable[0]?.configs ?? [])
    .map(({ name }) => name)
    .filter((name) => usable.every(({ configs }) => configs.some((config) => config.name === name)));
  if (usable.length < 2 || names.length < 2) return undefined;
  const scales = usable.map((setting) => scaleOf(setting, outcome(setting)));
  const contenders = names.map((name) => {
    const configs = usable.flatMap(({ configs: all }) => all.filter((config) => config.name === name));
    return {
      name,
      strategy: configs[0]?.strategy ?? name,
      configs,
      scores: configs.map(({ runs }, i) => runs.map((run) => scales[i]?.(run) ?? 0)),
    };
  });
  const reference = contenders.filter(({ strategy }) => strategy === design.reference);
  return { settings: usable, contenders, reference: reference.length === 1 ? reference[0] : undefined };
}

/** From a run to its score at a setting. */
function scaleOf({ configs }: Setting, outcome: ReturnType<typeof outcomeOf>): (run: Run) => number {
  const worth = ({ row, divergedAt }: Run): number | undefined => {
    const value = divergedAt === undefined && outcome ? number(row, outcome.column) : undefined;
    return value === undefined || !Number.isFinite(value) ? undefined : outcome?.better === 'lower' ? -value : value;
  };
  const values = configs.flatMap(({ runs }) => runs.flatMap((run) => worth(run) ?? []));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return (run) => {
    const value = worth(run);
    return value === undefined ? 0 : most > least ? (value - least) / (most - least) : 1;
  };
}

/** Best first. */
export function aggregatesOf({ contenders }: Across): Aggregate[] {
  const ranks = rankStability(
    contenders.map(({ scores }) => scores),
    { uniform: stream('report', 'ranks').uniform, replicates: REPLICATES },
  );
  return contenders
    .map((contender, i) => {
      const { name, scores } = contender;
      const uniform = stream('report', 'aggregates', name).uniform;
      const [interval = { low: Number.NaN, high: Number.NaN }] = stratifiedBootstrap(
        scores,
        (drawn) => [interquartileMean(drawn)],
        { uniform, replicates: REPLICATES },
      );
      return {
        contender,
        iqm: interquartileMean(scores),
        interval,
        median: medianScore(scores),
        gap: optimalityGap(scores),
        rank: ranks[i]?.rank ?? Number.NaN,
        first: ranks[i]?.first ?? 0,
      };
    })
    .sort((a, b) => b.iqm - a.iqm);
}

/** Share of runs with a score above each of `TAUS`, with its interval. */
export function profileOf({ name, scores }: Contender): { tau: number; share: number; low: number; high: number }[] {
  const uniform = stream('report', 'profile', name).uniform;
  const band = stratifiedBootstrap(scores, (drawn) => scoreProfile(drawn, TAUS), { uniform, replicates: REPLICATES });
  return scoreProfile(scores, TAUS).map((share, i) => ({
    tau: TAUS[i] ?? 0,
    share,
    low: band[i]?.low ?? share,
    high: band[i]?.high ?? share,
  }));
}

/** That a run of one does better than a run of the other at the same setting. */
export function improvement(one: Contender, other: Contender): { probability: number } & Interval {
  const uniform = stream('report', 'improvement', one.name, other.name).uniform;
  const settings = one.scores.length;
  const [interval = { low: Number.NaN, high: Number.NaN }] = stratifiedBootstrap(
    [...one.scores, ...other.scores],
    (drawn) => [probabilityOfImprovement(drawn.slice(0, settings), drawn.slice(settings))],
    { uniform, replicates: REPLICATES },
  );
  return { probability: probabilityOfImprovement(one.scores, other.scores), ...interval };
}
