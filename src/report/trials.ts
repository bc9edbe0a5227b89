/** Tuning trials, put together as contests: for each strategy at each setting, what it tried, what it chose, and how that did. */
import { canonical, parseCanonical } from '../canonical.ts';
import { type Manifest, selectionColumn } from '../manifest.ts';
import { median } from '../stats/quantile.ts';
import { bestTrial, orWorst } from '../stats/selection.ts';
import { type Config, type Design, type Setting, settingColumnsOf, thresholdName } from './design.ts';
import { number, type Row, text } from './row.ts';

export interface Trial {
  learning_rate: number | undefined;
  threshold: number | undefined;
  /** Median over the tuning seeds, a diverged one as the worst there is. */
  value: number;
  /** Of its runs. */
  diverged: number;
}

export interface Contest {
  setting: Setting;
  /** What was compared in the end. */
  config: Config;
  trials: Trial[];
  /** Tuning seeds. */
  seeds: number;
  chosen: Trial;
  /** The median of the compared runs, by what the trials were judged by. */
  confirmed: number;
}

/** Of every configuration that was compared after trials. */
export function contestsOf(rows: readonly Row[], design: Design, manifest: Manifest): Contest[] {
  const trialRows = rows.filter((row) => text(row, 'phase') === 'tune');
  const columns = settingColumnsOf(manifest);
  const keyOf = (row: Row) =>
    JSON.stringify([...columns.map((column) => text(row, column)), text(row, 'strategy'), untuned(row, manifest)]);
  const byKey = new Map<string, Row[]>();
  for (const row of trialRows) byKey.set(keyOf(row), [...(byKey.get(keyOf(row)) ?? []), row]);
  const column = selectionColumn(manifest.compare);
  return design.settings.flatMap((setting) =>
    setting.configs.flatMap((config) => {
      const [run] = config.runs;
      const own = run === undefined ? undefined : byKey.get(keyOf(run.row));
      return own === undefined ? [] : [contestOf(setting, config, own, column)];
    }),
  );
}

function contestOf(setting: Setting, config: Config, rows: readonly Row[], column: string): Contest {
  const sign = isHigherBetter(setting, column) ? 1 : -1;
  const score = (row: Row): number | undefined => {
    const value = text(row, 'status') === 'diverged' ? undefined : number(row, column);
    return value === undefined ? undefined : sign * value;
  };
  const numbers = [...new Set(rows.map((row) => number(row, 'trial') ?? 0))].sort((a, b) => a - b);
  const groups = numbers.map((trial) => rows.filter((row) => number(row, 'trial') === trial));
  const middle = (own: readonly Row[]) => sign * median(own.map((row) => orWorst(score(row))));
  const trials = groups.map((own): Trial => {
    const [row = {}] = own;
    return {
      learning_rate: number(row, 'learning_rate'),
      threshold: number(row, 'threshold'),
      value: middle(own),
      diverged: own.filter((run) => text(run, 'status') === 'diverged').length,
    };
  });
  const chosen = trials[bestTrial(groups.map((own) => own.map(score)))];
  if (chosen === undefined) throw new Error('a contest has at least one trial');
  return {
    setting,
    config,
    trials,
    seeds: groups[0]?.length ?? 0,
    chosen,
    confirmed: middle(config.runs.map((run) => run.row)),
  };
}

export const isHigherBetter = ({ metric }: Setting, column: string): boolean =>
  !/_loss$|^steps_to_target$/.test(column) && metric?.better !== 'lower';

/** A strategy's options without its threshold, where that is tuned; of a chain, without those of all members. */
function untuned(row: Row, manifest: Manifest): string {
  const written = text(row, 'strategy_options');
  if (!manifest.tune?.over.includes('threshold')) return written;
  const value = parseCanonical(written);
  const without = (options: unknown, strategy: string) =>
    Object.entries(typeof options === 'object' && options !== null ? options : {}).filter(
      ([name]) => name !== thresholdName(manifest, strategy),
    );
  if (!Array.isArray(value)) return canonical(without(value, text(row, 'strategy')));
  return canonical(
    value.map((member: unknown) => {
      const { name, options, ...placement } = Object.fromEntries(without(member, ''));
      return [name, placement, without(options, String(name))];
    }),
  );
}
