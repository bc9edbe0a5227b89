/** Configurations over several settings at once: scores on one scale, aggregates with their intervals, and who beats whom. */
import { stream } from '../engine/random.ts';
import { type Interval, stratifiedBootstrap } from '../stats/bootstrap.ts';
import { type RankStability, rankStability } from '../stats/rank-stability.ts';
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
  /** The same before they are put on a scale; higher is better, and -Infinity for a run that has none. */
  values: number[][];
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
  /** By medians over the seeds that all have, mean over settings; and how often no other ranked before it. Undefined where they share no seed. */
  order: RankStability | undefined;
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
  const values = usable.map((setting) => valueBy(outcome(setting)));
  const scales = usable.map(({ configs }, i) => scaleOf(configs.flatMap(({ runs }) => runs.map(values[i] ?? nothing))));
  const contenders = names.map((name) => {
    const configs = usable.flatMap(({ configs: all }) => all.filter((config) => config.name === name));
    const own = configs.map(({ runs }, i) => runs.map(values[i] ?? nothing));
    const scores = own.map((each, i) => each.map(scales[i] ?? nothing));
    return { name, strategy: configs[0]?.strategy ?? name, configs, values: own, scores };
  });
  const reference = contenders.filter(({ strategy }) => strategy === design.reference);
  return { settings: usable, contenders, reference: reference.length === 1 ? reference[0] : undefined };
}

const nothing = () => Number.NEGATIVE_INFINITY;

/** Of a run, where higher is better: behind every other where it diverged, or never got there. */
const valueBy =
  (outcome: ReturnType<typeof outcomeOf>) =>
  ({ row, divergedAt }: Run): number => {
    const value = divergedAt === undefined && outcome ? number(row, outcome.column) : undefined;
    if (value === undefined || !Number.isFinite(value)) return Number.NEGATIVE_INFINITY;
    return outcome?.better === 'lower' ? -value : value;
  };

/** From a run's value to its score, 0 to 1, by all values of its setting. */
function scaleOf(all: readonly number[]): (value: number) => number {
  const values = all.filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return (value) => (value === Number.NEGATIVE_INFINITY ? 0 : most > least ? (value - least) / (most - least) : 1);
}

/** The values of each contender on the seeds that all of them have at a setting, in the same order. Undefined where they share none. */
function paired({ contenders }: Across): number[][][] | undefined {
  const settings = contenders[0]?.configs.map((_, i) => i) ?? [];
  const seedsOf = ({ configs }: Contender, i: number) => configs[i]?.runs.map(({ seed }) => seed) ?? [];
  const shared = settings.map((i) =>
    contenders.map((one) => seedsOf(one, i)).reduce((kept, own) => kept.filter((seed) => own.includes(seed))),
  );
  if (shared.some((seeds) => seeds.length === 0)) return undefined;
  return contenders.map((one) =>
    shared.map((seeds, i) => seeds.map((seed) => one.values[i]?.[seedsOf(one, i).indexOf(seed)] ?? nothing())),
  );
}

/** Best first. */
export function aggregatesOf(across: Across): Aggregate[] {
  const values = paired(across);
  const order = values && rankStability(values, { uniform: stream('report', 'ranks').uniform, replicates: REPLICATES });
  return across.contenders
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
        order: order?.[i],
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
  const settings = one.values.length;
  const [interval = { low: Number.NaN, high: Number.NaN }] = stratifiedBootstrap(
    [...one.values, ...other.values],
    (drawn) => [probabilityOfImprovement(drawn.slice(0, settings), drawn.slice(settings))],
    { uniform, replicates: REPLICATES },
  );
  return { probability: probabilityOfImprovement(one.values, other.values), ...interval };
}
