/** report.json of a measurement: what its page says, as data. */
import { z } from 'zod';
import { disturbanceSchema, growthSchema, machineSchema } from '../../bench_record.ts';
import { number } from '../summary-schema.ts';

const interval = z.strictObject({ estimate: number, low: number, high: number });
const count = z.int().min(0);

const variantSchema = z.strictObject({
  variant: z.string(),
  role: z.enum(['baseline', 'variant', 'again', 'reference']),
  strategy: z.string().optional(),
  ms: interval.describe('of a call'),
  ratio: interval.optional().describe("time as a multiple of the baseline's, or of copying the gradient"),
  verdict: z.enum(['slower', 'faster', 'not told apart']).optional(),
});

export const benchReportSchema = z.strictObject({
  format: z.literal(1),
  question: z.string(),
  measure: z.enum(['clip', 'step', 'training', 'run']),
  answer: z.array(z.string()),
  notes: z.array(z.string()).describe('what has to be known before the figures are read'),
  processes: count,
  confidence: z.number().min(0).max(1).describe('of every interval'),
  machine: machineSchema.strict(),
  disturbance: disturbanceSchema.strict(),
  groups: z.array(
    z.strictObject({
      group: z.string(),
      ratio_to: z.string().optional(),
      again: z
        .strictObject({ variant: z.string(), ...interval.shape })
        .optional()
        .describe('a variant measured twice, as a ratio'),
      itself: z
        .strictObject({ pairs: count, flagged: count, noise: number })
        .optional()
        .describe('variants against themselves: how many came out as different, and the factor most stay within'),
      variants: z.array(variantSchema),
    }),
  ),
  growths: z.array(growthSchema.strict()),
  quality: z
    .strictObject({
      folder: z.string(),
      joined: z.array(
        z.strictObject({
          group: z.string(),
          variant: z.string(),
          task: z.string(),
          model: z.string(),
          configuration: z.string(),
          setting: z.string(),
          best_of: count,
          seeds: count,
          metric: z.string().optional(),
          ratio: interval,
          result: interval,
        }),
      ),
      without_results: z.array(z.strictObject({ group: z.string(), variants: z.array(z.string()) })),
      without_times: z.array(z.string()),
    })
    .optional(),
});
export type BenchReport = z.infer<typeof benchReportSchema>;
