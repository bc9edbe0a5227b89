/** From rows to the nouns of the report: settings, and in each the configurations that were run, over seeds. */
import { baselineOf, type Manifest } from '../manifest.ts';
import { number, type Row, required, text } from './row.ts';
import { varying } from './vary.ts';

/** One finished run. `row` is its line of runs.csv. */
export interface Run {
  row: Row;
  id: string;
  seed: number;
  steps: number;
  /** The step at which it diverged; undefined for a completed run. */
  divergedAt: number | undefined;
}

/** A strategy with its options at one setting: what seeds repeat. */
export interface Config {
  strategy: string;
  /** The threshold in force, where it is the same for every seed. */
  threshold: number | undefined;
  /** What tells it from the strategy's other configurations: mostly the threshold. Empty for a strategy with one. */
  label: string;
  /** Strategy and label: `norm 0.1`. */
  name: string;
  runs: Run[];
}

/** One point on the axes other than the strategy and the seed. */
export interface Setting {
  /** What tells it from the other settings: `rnn · learning rate 0.5`. */
  label: string;
  task: string;
  /** What the task measures, where the manifest says. */
  metric: { name: string; better: 'higher' | 'lower' } | undefined;
  /** Settings with the same share axes: the task, and its metric where the task has several. */
  group: string;
  steps: number;
  /** The first row of it: for columns that all of its runs share. */
  row: Row;
  configs: Config[];
}

export interface Design {
  settings: Setting[];
  /** In the order of the matrix. */
  strategies: string[];
  /** The strategy drawn for comparison everywhere: the declared baseline, else `none` where it was run. */
  reference: string | undefined;
  runs: Run[];
  /** Runs of another phase (smoke tests, tuning trials): counted, not compared. */
  others: number;
}

/** Columns that, together, are a setting. */
export const settingColumns: readonly string[] = [
  'task',
  'task_options',
  'model',
  'model_options',
  'optimizer',
  'learning_rate',
  'optimizer_options',
  'batch_size',
  'steps',
  'numerics',
  'cell_options',
];

/** The same where a strategy's learning rate was chosen for it: then it belongs to the strategy. */
export const settingColumnsOf = ({ tune }: Pick<Manifest, 'tune'>): readonly string[] =>
  tune?.over.includes('learning_rate') ? settingColumns.filter((column) => column !== 'learning_rate') : settingColumns;

export function design(rows: readonly Row[], manifest: Manifest, phase = 'confirm'): Design {
  const compared = rows.filter((row) => text(row, 'phase') === phase);
  const columns = settingColumnsOf(manifest);
  const groups = [...groupBy(compared, (row) => columns.map((column) => text(row, column))).values()];
  const heads = groups.map(first);
  const labels = settingLabels(heads, columns);
  const metrics = heads.map((row) => manifest.parts.tasks?.[text(row, 'task')]?.metrics?.[text(row, 'task_options')]);
  const settings = heads.map((row, index) => {
    const [task, metric] = [text(row, 'task'), metrics[index]];
    const ambiguous = heads.some((other, i) => text(other, 'task') === task && metrics[i]?.name !== metric?.name);
    return {
      label: labels[index] ?? '',
      task,
      metric,
      group: ambiguous ? `${task} · ${metric?.name}` : task,
      steps: required(row, 'steps'),
      row,
      configs: configsOf(groups[index] ?? [], manifest),
    };
  });
  const strategies = [...new Set(compared.map((row) => text(row, 'strategy')))];
  // One threshold of a strategy is no line that the strategy's others could be held against.
  const { strategy, ...narrower } = manifest.compare === undefined ? {} : baselineOf(manifest.compare);
  const wanted = Object.keys(narrower).length === 0 ? strategy : 'none';
  return {
    settings,
    strategies,
    reference: strategies.find((strategy) => strategy === wanted) ?? strategies.find((strategy) => strategy === 'none'),
    runs: settings.flatMap((setting) => setting.configs.flatMap((config) => config.runs)),
    others: rows.length - compared.length,
  };
}

/** What tells these settings apart; where nothing does, the task and the model. */
export function settingLabels(heads: readonly Row[], columns = settingColumns): string[] {
  return varying(heads, columns).map(
    (parts, index) => parts.join(' · ') || `${text(heads[index] ?? {}, 'task')} · ${text(heads[index] ?? {}, 'model')}`,
  );
}

/** The only configuration of the reference strategy at a setting, or undefined where there is none or a choice. */
export function referenceOf(setting: Setting, reference: string | undefined): Config | undefined {
  const configs = setting.configs.filter((config) => config.strategy === reference);
  return configs.length === 1 ? configs[0] : undefined;
}

/** Name of the option in the `threshold` column of a strategy, where it declares one. */
export const thresholdName = (manifest: Manifest, strategy: string): string | undefined =>
  manifest.parts.strategies?.[strategy]?.threshold;

function configsOf(rows: readonly Row[], manifest: Manifest): Config[] {
  const groups = groupBy(rows, (row) => ['strategy', 'strategy_options', 'trial'].map((column) => text(row, column)));
  const configs = [...groupBy([...groups.values()], (group) => [text(first(group), 'strategy')]).values()].flatMap(
    (same) => {
      const heads = same.map(first);
      const strategy = text(first(heads), 'strategy');
      const thresholds = same.map(thresholdOf);
      const option = thresholdName(manifest, strategy);
      const known = thresholds.every((threshold) => threshold !== undefined);
      // Only one threshold: it is still shown, since it is what a reader asks for first.
      const rest = varying(heads, ['strategy_options'], known && option !== undefined ? [option] : []);
      const members = same.map((group, index) => {
        const threshold = thresholds[index];
        const shown = known && threshold !== undefined ? [String(threshold)] : [];
        const label = [...(chosen(first(group), manifest, option) ?? shown), ...(rest[index] ?? [])].join(', ');
        return {
          strategy,
          threshold,
          label,
          name: label === '' ? strategy : `${strategy} ${label}`,
          runs: group.map(toRun),
        };
      });
      return members.sort((a, b) => order(a.threshold, b.threshold));
    },
  );
  return configs;
}

/** In the place of a threshold: that it was chosen, here as at other settings, or the trial by which it may be. */
function chosen(row: Row, { tune }: Manifest, option: string | undefined): string[] | undefined {
  if (text(row, 'trial') !== '') return [`trial ${text(row, 'trial')}`];
  return option !== undefined && tune?.over.includes('threshold') ? ['tuned'] : undefined;
}

const thresholdOf = (group: readonly Row[]): number | undefined => {
  const values = new Set(group.map((row) => number(row, 'threshold')));
  return values.size === 1 ? [...values][0] : undefined;
};

const order = (a = 0, b = 0): number => (a < b ? -1 : a > b ? 1 : 0);

const toRun = (row: Row): Run => ({
  row,
  id: text(row, 'cell_id'),
  seed: required(row, 'seed'),
  steps: required(row, 'steps'),
  divergedAt: text(row, 'status') === 'diverged' ? (number(row, 'diverged_at') ?? 0) : undefined,
});

/** Groups in order of first appearance. */
function groupBy<T>(items: readonly T[], key: (item: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = JSON.stringify(key(item));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

const first = <T>(items: readonly T[]): T => {
  const item = items[0];
  if (item === undefined) throw new Error('a group has at least one member');
  return item;
};
