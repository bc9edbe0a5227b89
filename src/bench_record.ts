/** What a throughput measurement writes beside its CSV files: bench.json, read by reports and comparisons. */
import { z } from 'zod';

const interval = z.object({ estimate: z.number(), low: z.number(), high: z.number() });

/** What decides how fast this machine is. Two measurements are compared only where all of it is equal. */
export const machineSchema = z.object({
  platform: z.string(),
  cpu: z.string(),
  cores: z.int(),
  memory_gb: z.number(),
  /** Of the clock: `performance`, ...; `unknown` where the system doesn't say, as in most virtual machines. */
  governor: z.string(),
  vector: z.string(),
  /** Whether the measuring processes stayed on one core. */
  pinned: z.boolean(),
});
export type Machine = z.infer<typeof machineSchema>;

/** What else went on while it was measured. */
export const disturbanceSchema = z.object({
  /** Processes that wanted to run, averaged over a minute, before the first sample and after the last. */
  load_before: z.number(),
  load_after: z.number(),
  free_memory_gb: z.number(),
  /** Share of time that the host of a virtual machine gave to others, meanwhile. Undefined where the system doesn't say. */
  stolen: z.number().optional(),
  /** How often a second a measuring process was taken off its core. */
  switches_per_second: z.number(),
});
export type Disturbance = z.infer<typeof disturbanceSchema>;

/** How well one group's figures can be believed. Ratios, where 1 is no difference. */
export const calibrationSchema = z.object({
  group: z.string(),
  /** A variant that was measured twice under two names, as any other two are. */
  again: z.object({ variant: z.string(), ...interval.shape }),
  /** Every variant against itself: half of its turns against the other half, back and forth. */
  itself: z.object({
    pairs: z.int(),
    /** How many came out as a difference. */
    flagged: z.int(),
    /** Most of them (95 %) differ by a factor of less than this. */
    noise: z.number(),
  }),
});
export type Calibration = z.infer<typeof calibrationSchema>;

/** How a cost grows: time ~ size^exponent. */
export const growthSchema = z.object({
  variant: z.string(),
  /** The column that grows. */
  over: z.string(),
  from: z.number(),
  to: z.number(),
  points: z.int(),
  ...interval.shape,
});
export type Growth = z.infer<typeof growthSchema>;

export const benchRecordSchema = z.object({
  clipbench: z.string(),
  question: z.string(),
  measure: z.enum(['clip', 'step', 'training', 'run']),
  file: z.string(),
  sha256: z.string(),
  command: z.string(),
  started: z.string(),
  finished: z.string(),
  seed: z.int(),
  processes: z.int(),
  /** What the intervals have, given so many processes: 0.95 from six on. */
  confidence: z.number(),
  versions: z.record(z.string(), z.string()),
  machine: machineSchema,
  disturbance: disturbanceSchema,
  calibrations: z.array(calibrationSchema),
  growths: z.array(growthSchema),
  /** What a reader has to know: noise, variants that were left out and why. */
  notes: z.array(z.string()),
  /** The CSV files as they were written. */
  files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string() })),
});
export type BenchRecord = z.infer<typeof benchRecordSchema>;
