/** What a strategy costs beside how well it did: rows of bench.csv joined with configurations of a result set. Pure. */
import { hodgesLehmann } from '../../stats/hodges-lehmann.ts';
import type { Config, Setting } from '../design.ts';
import { number, text } from '../row.ts';
import type { Results } from '../story.ts';
import type { Entry, Group, Interval } from './entry.ts';

const COLUMN = 'final_val_metric';

export interface Pair {
  entry: Entry;
  /** A multiple of the baseline's time; 1 for the baseline itself. */
  ratio: Interval;
  config: Config;
  setting: Setting;
  /** Typical final result over seeds. */
  result: Interval;
  /** Configurations and settings of the strategy that it is the best of. */
  among: number;
}

/** One group of the measurement beside one task and model of the results. */
export interface Meeting {
  group: Group;
  task: string;
  model: string;
  metric: Setting['metric'];
  pairs: Pair[];
}

export interface Joined {
  folder: string;
  meetings: Meeting[];
  /** Variants that met nothing, by group. */
  unmatched: { group: string; variants: string[] }[];
  /** Strategies of the results that weren't measured. */
  unmeasured: string[];
  /** Configurations left out since a run of theirs diverged: what they cost can't make up for that. */
  lost: number;
}

export function joined(groups: readonly Group[], { design }: Results, folder: string): Joined {
  const places = [...new Set(design.settings.map((setting) => placeOf(setting)))];
  const meetings = groups.flatMap((group) =>
    places.flatMap((place): Meeting[] => {
      const settings = design.settings.filter((setting) => placeOf(setting) === place);
      const [first] = settings;
      const pairs = group.entries.flatMap((entry) => pairOf(entry, settings) ?? []);
      if (first === undefined || pairs.length === 0) return [];
      return [{ group, task: first.task, model: text(first.row, 'model'), metric: first.metric, pairs }];
    }),
  );
  const met = new Set(meetings.flatMap(({ pairs }) => pairs.map(({ entry }) => entry)));
  const asked = groups.flatMap(({ entries }) => entries.filter(isAsked));
  const measured = new Set(asked.map(({ strategy }) => strategy));
  return {
    folder,
    meetings,
    unmatched: groups.flatMap(({ name }) => {
      const variants = asked.filter((entry) => entry.group === name && !met.has(entry)).map(({ variant }) => variant);
      return variants.length === 0 ? [] : [{ group: name, variants }];
    }),
    unmeasured: design.strategies.filter((strategy) => !measured.has(strategy)),
    lost: design.settings.flatMap(({ configs }) => configs.filter((config) => resultOf(config) === undefined)).length,
  };
}

/** Results of another metric are no results to be drawn on one axis. */
const placeOf = ({ task, metric, row }: Setting): string => JSON.stringify([task, text(row, 'model'), metric?.name]);

const isAsked = ({ role, strategy }: Entry): boolean => (role === 'variant' || role === 'baseline') && strategy !== '';

const SAME: Interval = { estimate: 1, low: 1, high: 1 };

/** With the configuration that is called like the variant where there is one; else the best of its strategy. */
function pairOf(entry: Entry, settings: readonly Setting[]): Pair | undefined {
  const ratio = entry.role === 'baseline' ? SAME : entry.ratio;
  const [first] = settings;
  if (!isAsked(entry) || ratio === undefined || first === undefined) return undefined;
  const fits = (column: string, theirs: string) => ['', theirs].includes(text(entry.row, column));
  if (!fits('task', first.task) || !fits('model', text(first.row, 'model'))) return undefined;
  const own = settings.flatMap((setting) =>
    setting.configs.filter(({ strategy }) => strategy === entry.strategy).map((config) => ({ setting, config })),
  );
  const named = own.filter(({ config }) => config.name === entry.variant);
  const candidates = (named.length > 0 ? named : own).flatMap(({ setting, config }) => {
    const result = resultOf(config);
    return result === undefined ? [] : [{ setting, config, result }];
  });
  const sign = first.metric?.better === 'lower' ? -1 : 1;
  const [best] = candidates.toSorted((a, b) => sign * (b.result.estimate - a.result.estimate));
  return best && { entry, ratio, ...best, among: candidates.length };
}

/** Typical value over seeds with its exact interval; undefined where a run has none. */
function resultOf({ runs }: Config): Interval | undefined {
  const values = runs.flatMap(({ row, divergedAt }) => (divergedAt === undefined ? (number(row, COLUMN) ?? []) : []));
  if (values.length === 0 || values.length < runs.length || !values.every(Number.isFinite)) return undefined;
  const { estimate, low, high } = hodgesLehmann(values);
  return { estimate, low, high };
}
