/** report.json: what a report says, as data. */
import { z } from 'zod';
import { expectations, outcomes } from '../manifest.ts';
import { verdicts } from './comparison.ts';

const odd = ['NaN', 'Infinity', '-Infinity'] as const;
export const number = z
  .union([z.number(), z.enum(odd)])
  .describe('a number, or "NaN", "Infinity", "-Infinity", which JSON lacks');

/** JSON has no word for what isn't finite. */
export const jsonNumber = (value: number): z.infer<typeof number> =>
  Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

const comparisonSchema = z.strictObject({
  configuration: z.string(),
  setting: z.string(),
  baseline: z.string(),
  declared: z.boolean().describe('in the declared family; others have no p and no verdict'),
  expected: z.enum(expectations).optional().describe('what was stated beforehand'),
  n: count.describe('pairs of runs with the same seed'),
  effect: number
    .optional()
    .describe('Hodges-Lehmann estimate of the paired difference in the metric; positive is better than the baseline'),
  interval: z
    .strictObject({ low: number, high: number, confidence: share.describe('its exact coverage') })
    .optional()
    .describe('of the effect; none with too few pairs'),
  p: share.optional().describe('exact sign-flip test on signed ranks, two-sided'),
  holm: share.optional().describe('p adjusted over the family'),
  equivalence: share.optional().describe('p of equivalence within the declared margin, adjusted over the family'),
  diverged: count,
  baseline_diverged: count,
  mcnemar: share.optional().describe('exact p of the two divergence counts; no verdict rests on it'),
  verdict: z.enum(verdicts),
});

const spreadSchema = z.strictObject({
  n: count.describe('runs with a value that is not NaN'),
  median: number,
  lower_quartile: number,
  upper_quartile: number,
});

const configurationSchema = z.strictObject({
  setting: z.string(),
  configuration: z.string(),
  strategy: z.string(),
  learning_rate: z.number(),
  threshold: number.optional(),
  seeds: z.array(z.int()),
  completed: count,
  diverged: count,
  results: z.record(z.string(), spreadSchema).describe('by column of runs.csv, over the runs that have a value'),
  clipping: z
    .strictObject({ never: share, safety_net: share, binding: share })
    .optional()
    .describe('share of the runs with each label; none for a strategy that does not clip'),
});

export const reportSchema = z.strictObject({
  format: z.literal(1).describe('grows when a field changes its meaning or goes'),
  question: z.string(),
  overview: z.string(),
  answer: z.array(z.string()).describe('the short answer, sentence by sentence'),
  smoke: z.boolean().describe('a smoke test: its figures mean nothing, and nothing is compared'),
  finished: z.boolean().describe('false: what is said can change when the run goes on'),
  runs: z.strictObject({ planned: count, completed: count, diverged: count, failed: count, open: count }),
  comparison: z
    .strictObject({
      baseline: z.string(),
      metric: z.string(),
      at: z.enum(outcomes),
      margin: z.number().positive().optional().describe('differences below it were declared not to matter'),
      level: share.describe('chance of any false verdict in the family'),
      declared_before_running: z.boolean().describe('false: its p values and verdicts cannot be trusted'),
      family: count.describe('comparisons under Holm'),
      notes: z.array(z.string()),
      comparisons: z.array(comparisonSchema),
    })
    .optional(),
  configurations: z.array(configurationSchema),
  manifest: z.strictObject({
    experiment: z.string(),
    experiment_sha256: z.string(),
    compare_sha256: z.string().optional(),
    set: z.record(z.string(), z.string()),
    fingerprint_id: z.string(),
    fingerprint: z.record(z.string(), z.union([z.string(), z.number()])),
    source: z.string(),
    commit: z.string().optional(),
    computed_by: z.record(z.string(), z.number()),
    versions: z.record(z.string(), z.string()),
    started: z.string(),
    finished: z.string().optional(),
  }),
});
export type Report = z.infer<typeof reportSchema>;
