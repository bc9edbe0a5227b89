/** results/<name>/manifest.json: what was asked, with what, on what. Written by the runner, read by the report. */
import { z } from 'zod';

const partSchema = z.object({
  summary: z.string(),
  equation: z.string(),
  reference: z.string(),
  scope: z.string().optional(),
  /** Name of the option shown in the `threshold` column. */
  threshold: z.string().optional(),
  /** Of a task: its metric by its options, which may choose it, as they stand in runs.csv. */
  metrics: z.record(z.string(), z.object({ name: z.string(), better: z.enum(['higher', 'lower']) })).optional(),
});

/** When a comparison looks. */
export const outcomes = ['final', 'best', 'area', 'steps_to_target'] as const;

/** The verdicts that a comparison can be expected to get. */
export const expectations = ['better', 'worse', 'equivalent'] as const;
export type Expectation = (typeof expectations)[number];

const single = z.union([z.string(), z.number(), z.boolean()]);
/** Which runs are meant: values by the names of `addresses.ts`. */
const meant = z.record(z.string(), z.union([single, z.array(single)]));

/** Declared before anything runs, so that it can't be chosen after the results were seen. */
export const compareSchema = z.strictObject({
  baseline: z
    .union([z.string(), meant])
    .describe(
      'strategy that every other one is compared with; of one with several configurations, which, as {strategy: global_norm, threshold: 1}',
    ),
  metric: z
    .string()
    .regex(/^(train|val|test)_[a-z_]+$/, 'must be a split and a metric, such as val_accuracy or val_loss')
    .describe('split and metric, such as val_accuracy'),
  at: z
    .enum(outcomes)
    .default('final')
    .describe(
      'the last evaluation, the best one, the mean over training (area), or how many steps it took to the `target` of the matrix; the latter two of the validation metric',
    ),
  margin: z
    .number()
    .positive()
    .exactOptional()
    .describe(
      'in the unit of what is compared: differences below it do not matter, so that a verdict can be `equivalent`',
    ),
  family: z
    .array(z.record(z.string(), z.union([single, z.array(single), meant])))
    .optional()
    .describe(
      'the comparisons that get a verdict, each as {column of runs.csv, field or option such as task.length: value}, with `expect: better`, `worse` or, with a margin, `equivalent` where that is what theory says, and with `against: {learning_rate: 0.01}` where it is compared not with the baseline but with the runs that differ from it in these; default: every strategy and threshold at every setting',
    ),
});
export type Compare = z.infer<typeof compareSchema>;

/** Declared with the comparison: what of each strategy is chosen by trials before it is compared. */
export const tuneSchema = z.strictObject({
  over: z
    .array(z.enum(['learning_rate', 'threshold']))
    .min(1)
    .describe('what is tuned: every other difference is a contestant of its own'),
  seeds: z.array(z.int().min(0)).min(1).describe('seeds of the trials; none of them is among the seeds of the matrix'),
  budget: z
    .int()
    .min(2)
    .max(10_000)
    .exactOptional()
    .describe('trials of every strategy, drawn from the range of the values that are written'),
  method: z
    .enum(['grid', 'random', 'quasi_random'])
    .exactOptional()
    .describe(
      'grid: every value that is written; random: independent draws; quasi_random: evenly spread ones (Halton); default: quasi_random with a budget, else grid',
    ),
});
export type Tune = z.infer<typeof tuneSchema>;

/** By which column of runs.csv a trial is judged: the validation side of what is compared. */
export function selectionColumn(compare: Compare | undefined): string {
  const { at = 'final', metric = '' } = compare ?? {};
  if (at === 'area' || at === 'steps_to_target') return at;
  return `${at}_val_${metric.endsWith('_loss') ? 'loss' : 'metric'}`;
}

/** An entry of the family: which runs are compared, what is expected of them, and with which ones where not with the baseline. */
export function memberOf({ expect, against, ...runs }: NonNullable<Compare['family']>[number]) {
  const others = meant.safeParse(against);
  // Another strategy has a threshold and options of its own.
  const isOwn = (name: string) => /^(threshold$|strategy\.)/.test(name);
  const kept = Object.entries(runs).filter(([name]) => others.data?.strategy === undefined || !isOwn(name));
  return {
    runs,
    expected: expectations.find((known) => known === expect),
    /** Undefined: the baseline at the same setting. */
    against: others.success ? { ...Object.fromEntries(kept), ...others.data } : undefined,
  };
}

/** Which runs a comparison starts from. */
export const baselineOf = ({ baseline }: Compare) => (typeof baseline === 'string' ? { strategy: baseline } : baseline);

/** The same in words: `global_norm 1`. */
export function baselineName(compare: Compare): string {
  const { strategy, threshold, ...others } = baselineOf(compare);
  const more = Object.entries(others).map(([name, value]) => `${name} ${value}`);
  return [strategy, threshold, ...more].filter((part) => part !== undefined).join(' ');
}

/** Which code computed. */
export const codeSchema = z.object({
  /** sha256 of everything in src/, in 16 hex digits: the same for the same code, committed or not. */
  source: z.string(),
  lockfile_sha256: z.string(),
  /** Only in a git checkout. */
  commit: z.string().optional(),
  /** sha256 of what differs from the commit, where something does. */
  dirty: z.string().optional(),
});
export type Code = z.infer<typeof codeSchema>;

export const manifestSchema = z.object({
  question: z.string(),
  experiment: z.object({
    file: z.string(),
    text: z.string(),
    sha256: z.string(),
    /** What `--set` put in place of the file's own values. */
    set: z.record(z.string(), z.string()),
    /** One seed and a few steps: shows that everything runs, and nothing else. */
    smoke: z.boolean(),
  }),
  compare: compareSchema.optional(),
  compare_sha256: z.string().optional(),
  /** With its method. `cells` counts the trials, and the runs of what they choose. */
  tune: tuneSchema.optional(),
  /** What each contest tries, as hashes of contest and trials, and whether what they chose has begun to be run. */
  search: z.object({ contests: z.record(z.string(), z.string()), confirming: z.boolean() }).optional(),
  /**
   * Set when the comparison was declared anew though runs had finished, or a contest tried something else though what was chosen had begun to be
   * run: how many had finished, and the hash of the comparison before.
   */
  compare_changed: z
    .object({
      what: z.enum(['comparison', 'search']).default('comparison'),
      finished_runs: z.number(),
      before: z.string(),
    })
    .optional(),
  cells: z.number(),
  completed: z.number(),
  diverged: z.number(),
  failed: z.number(),
  fingerprint: z.record(z.string(), z.union([z.string(), z.number()])),
  fingerprint_id: z.string(),
  /** Why something ran op by op, though the engine asked for was the compiled one. */
  engine_fallbacks: z.array(z.string()).optional(),
  /** kind (strategies, optimizers, models, tasks) -> name -> what the part says of itself. */
  parts: z.record(z.string(), z.record(z.string(), partSchema)),
  /** sha256 of every data set read. */
  data: z.record(z.string(), z.string()),
  code: codeSchema,
  /** Runs by the `source` that computed them, where several versions of the code had a part. */
  computed_by: z.record(z.string(), z.number()),
  versions: z.record(z.string(), z.string()),
  machine: z.record(z.string(), z.union([z.string(), z.number()])),
  command: z.string(),
  jobs: z.number(),
  started: z.string(),
  /** Missing while a run goes on, or after one was killed. */
  finished: z.string().optional(),
  /** The CSV files as collected. */
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});
export type Manifest = z.infer<typeof manifestSchema>;
