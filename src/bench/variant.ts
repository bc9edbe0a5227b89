/** What is measured, as plain data: it goes to the measuring processes as JSON. */
import type { BenchRecord } from '../bench_record.ts';
import type { Cell, Clip, Engine } from '../types.ts';

/** What one call of a variant does. */
export type Work =
  /** A strategy on made-up gradients. */
  | { kind: 'clip'; strategy: Clip; gradient: GradientShape }
  /** A step of the training loop, as the loop calls it. */
  | { kind: 'step'; cell: Cell }
  /** A whole run: start, batches, steps, evaluations. */
  | { kind: 'training'; cell: Cell }
  /** `clipbench run` on an experiment, in processes of its own. */
  | { kind: 'run'; experiment: string; workers: number }
  /** Copies so many float32, as fast as the machine does; once, unless said. */
  | { kind: 'copy'; entries: number; times?: number }
  /** Sums of a million products in plain JavaScript. */
  | { kind: 'arithmetic'; sums: number }
  /** Waits, in ms. */
  | { kind: 'sleep'; ms: number };

export interface GradientShape {
  entries: number;
  /** Of equal size, but for the last one. */
  tensors: number;
}

export type Role = 'baseline' | 'variant' | 'again' | 'reference';

/** What bench.csv says of a variant beside what was measured. */
export type Facts = Record<string, string | number>;

export interface Variant {
  name: string;
  role: Role;
  work: Work;
  facts: Facts;
}

/** Variants that take turns in the same processes. */
export interface Group {
  name: string;
  backend: 'native' | 'wasm' | 'cpu' | 'auto';
  /** Asked for; without compiled steps on the backend it is eager. */
  engine: Engine['name'];
  numerics: Cell['numerics'];
  /** The variant that ratios are to. */
  baseline: string;
  /** The variant that is measured twice, and the name of its twin. */
  again: { variant: string; twin: string };
  variants: Variant[];
  /** Rather than all at once, a variant is set up for each of its turns: together they would not fit into memory. */
  alone: boolean;
}

export interface Bench {
  file: string;
  text: string;
  question: string;
  measure: BenchRecord['measure'];
  /** The fact whose growth is fitted, if any. */
  growth?: string;
  processes: number;
  /** Of each variant in each process. */
  samples: number;
  /** At least so long is a sample. */
  sample_ms: number;
  seed: number;
  groups: Group[];
  /** Variants that can't be measured so, and why. */
  notes: string[];
}

/** A turn's samples. */
export interface Turn {
  group: string;
  variant: string;
  process: number;
  pass: number;
  calls: number;
  /** Of a call, for each sample. */
  ms: number[];
}

/** What is known of a variant without a clock. */
export interface Footprint {
  kernels?: number;
  allocated_mb?: number;
  peak_mb?: number;
}
