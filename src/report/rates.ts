/** Settings that differ in nothing but the learning rate, and how each configuration did over the rates. */
import { hodgesLehmann, type Shift } from '../stats/hodges-lehmann.ts';
import { median } from '../stats/quantile.ts';
import { sensitivityArea, usableDecades } from '../stats/rate-sensitivity.ts';
import { type Config, type Design, type Run, referenceOf, type Setting, settingColumns } from './design.ts';
import { number, required, text } from './row.ts';
import { varying } from './vary.ts';

const COLUMN = 'final_val_metric';
/** Fewer rates show no range. */
const MIN_RATES = 3;
/** A rate is usable where the result is within a tenth of the best there is. */
const SHORTFALL = 0.1;

export interface Family {
  /** What tells it from the other families. */
  label: string;
  /** Any of its settings: for what they share. */
  setting: Setting;
  /** Ascending. */
  rates: number[];
  configs: RateConfig[];
  /** What a result has to reach to count as usable. */
  level: number;
}

/** A strategy with its options, over the rates. */
export interface RateConfig {
  strategy: string;
  label: string;
  name: string;
  threshold: number | undefined;
  /** For each rate at which it was run: the results of all seeds, -Infinity or Infinity (the worst) where they diverged. */
  points: { rate: number; values: number[]; mid: number }[];
  /** Of the medians over seeds; undefined where none is finite. */
  best: { rate: number; value: number } | undefined;
  /** Decades of the rate over which the seed's result is usable, by seed. */
  decades: Map<number, number>;
  /**
   * By seed: the score to expect from a rate drawn log-uniformly from those tried, where 0 is the worst run of the family, or one that diverged, and
   * 1 the best.
   */
  areas: Map<number, number>;
  /** Decades more than the reference has, paired over seeds; undefined for the reference itself. */
  wider: Shift | undefined;
}

export function familiesOf(design: Design): Family[] {
  const columns = settingColumns.filter((column) => column !== 'learning_rate');
  const keyOf = ({ row }: Setting) => JSON.stringify(columns.map((column) => text(row, column)));
  const keys = [...new Set(design.settings.map(keyOf))];
  const groups = keys
    .map((key) => design.settings.filter((setting) => keyOf(setting) === key))
    .filter((group) => group.length >= MIN_RATES);
  const heads = groups.flatMap(([first]) => (first === undefined ? [] : [first]));
  const labels = varying(
    heads.map(({ row }) => row),
    columns,
  );
  return heads.map((setting, i) => {
    const label = labels[i]?.join(' · ') || `${setting.task} · ${text(setting.row, 'model')}`;
    return familyOf(label, setting, groups[i] ?? [], design);
  });
}

function familyOf(label: string, setting: Setting, settings: Setting[], design: Design): Family {
  const sorted = [...settings].sort((a, b) => rateOf(a) - rateOf(b));
  const isHigherBetter = setting.metric?.better !== 'lower';
  const worst = isHigherBetter ? -Infinity : Infinity;
  const names = [...new Set(sorted.flatMap(({ configs }) => configs.map(({ name }) => name)))];
  const open = names.flatMap((name) => {
    const all = sorted.flatMap((own) =>
      own.configs.filter((config) => config.name === name).map((config) => ({ rate: rateOf(own), config })),
    );
    const [first] = all;
    return first === undefined ? [] : [{ first: first.config, all }];
  });
  const scored = open.map(({ first, all }) => {
    const points = all.map(({ rate, config }) => {
      const values = config.runs.map((run) => resultOf(run, worst));
      return { rate, values, mid: median(values) };
    });
    const finite = points.filter(({ mid }) => Number.isFinite(mid));
    const best = finite.reduce<(typeof finite)[number] | undefined>(
      (a, b) => (a === undefined || (isHigherBetter ? b.mid > a.mid : b.mid < a.mid) ? b : a),
      undefined,
    );
    return { first, all, points, best: best && { rate: best.rate, value: best.mid } };
  });
  const values = scored.flatMap(({ best }) => (best === undefined ? [] : [best.value]));
  const top = isHigherBetter ? Math.max(...values) : Math.min(...values);
  const level = isHigherBetter ? top - SHORTFALL * Math.abs(top) : top + SHORTFALL * Math.abs(top);
  const reference = sorted.flatMap((own) => referenceOf(own, design.reference) ?? [])[0]?.name;
  const sign = isHigherBetter ? 1 : -1;
  const scale = scaleOf(scored.flatMap(({ points }) => points.flatMap((point) => point.values.map((x) => sign * x))));
  const configs = scored.map(({ first, all, points, best }): RateConfig => {
    const { strategy, threshold, name, label: own } = first;
    const decades = bySeed(
      all,
      (run) => sign * resultOf(run, worst),
      (over) => usableDecades(over, sign * level),
    );
    const areas = bySeed(all, (run) => scale(sign * resultOf(run, worst)), sensitivityArea);
    return { strategy, threshold, name, label: own, points, best, decades, areas, wider: undefined };
  });
  const base = configs.find(({ name }) => name === reference);
  return {
    label,
    setting,
    rates: sorted.map(rateOf),
    level,
    configs: configs.map((config) => ({ ...config, wider: widerThan(base, config) })),
  };
}

/** From a value, where higher is better, to 0 for the worst of all finite ones, or what is worse than any, to 1 for the best. */
function scaleOf(all: readonly number[]): (value: number) => number {
  const finite = all.filter(Number.isFinite);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  return (value) => (value === -Infinity ? 0 : most > least ? (value - least) / (most - least) : 1);
}

/** A figure over the rates for each seed that ran at every rate at which the configuration ran. */
function bySeed(
  all: { rate: number; config: Config }[],
  scoreOf: (run: Run) => number,
  figure: (points: { rate: number; score: number }[]) => number,
): Map<number, number> {
  const seeds = all[0]?.config.runs.map(({ seed }) => seed) ?? [];
  return new Map(
    seeds.flatMap((seed): [number, number][] => {
      const points = all.flatMap(({ rate, config }) => {
        const run = config.runs.find((own) => own.seed === seed);
        return run === undefined ? [] : [{ rate, score: scoreOf(run) }];
      });
      return points.length < all.length ? [] : [[seed, figure(points)]];
    }),
  );
}

/** Where both ran at the same number of rates: else the ranges could not be compared. */
function widerThan(base: RateConfig | undefined, config: RateConfig): Shift | undefined {
  if (base === undefined || base === config || base.points.length !== config.points.length) return undefined;
  const differences = [...config.decades].flatMap(([seed, own]) => {
    const theirs = base.decades.get(seed);
    return theirs === undefined ? [] : [own - theirs];
  });
  return differences.length === 0 ? undefined : hodgesLehmann(differences);
}

const rateOf = ({ row }: Setting): number => required(row, 'learning_rate');

function resultOf({ row, divergedAt }: Run, worst: number): number {
  const value = divergedAt === undefined ? number(row, COLUMN) : undefined;
  return value === undefined || Number.isNaN(value) ? worst : value;
}
