/** What is said of a whole run, from its rows. Pure. */
import { createHash } from 'node:crypto';
import type { Cell, HostTensors, Split } from '../types.ts';
import type { Score } from './evaluate.ts';
import type { Link } from './hash-chain.ts';

/** One logged step; scalars by the names of steps.csv, `info.*` for what the strategy reports. */
export interface StepRow {
  step: number;
  learning_rate: number;
  scalars: Record<string, number>;
}

export interface EvalRow extends Score {
  step: number;
  split: Split;
}

/** What the training loop has seen. */
export interface Trace {
  steps: StepRow[];
  evals: EvalRow[];
  /** Of every step, logged or not. */
  links: Link[];
  /** First step with a non-finite loss, or whose update made the parameters non-finite. */
  diverged_at?: number;
  clipped_steps: number;
  /** The only strategy's, where the run had to find it. */
  threshold?: number;
  train_seconds: number;
}

type Better = 'higher' | 'lower';
type Scores = Partial<Record<Split, Score>>;

export interface Summary extends Trace {
  status: 'completed' | 'diverged';
  best_step?: number;
  /** Stands for diverged runs too. */
  best: Scores;
  /** Empty for a diverged run, never imputed. */
  final: Scores;
  area?: number;
  steps_to_target?: number;
  label?: 'never' | 'safety_net' | 'binding';
  parameters: number;
  params_hash?: string;
}

/** @param last the parameters after the last update */
export function summarize(
  trace: Trace,
  cell: Cell,
  better: Better,
  bestStep: number | undefined,
  last: HostTensors,
): Summary {
  const evals = [...trace.evals].sort((a, b) => a.step - b.step);
  const diverged = trace.diverged_at !== undefined;
  const taken = trace.diverged_at === undefined ? cell.steps : trace.diverged_at + 1;
  const reached = evals.find(({ split, metric }) => split === 'val' && reaches(metric, cell.target, better));
  return {
    ...trace,
    evals,
    status: diverged ? 'diverged' : 'completed',
    ...(bestStep !== undefined && { best_step: bestStep }),
    best: bestStep === undefined ? {} : scoresAt(evals, bestStep),
    final: diverged ? {} : scoresAt(evals, cell.steps),
    ...(!diverged && { area: area(evals, cell.steps), params_hash: hashParams(last) }),
    // Censored for a diverged run, also where it got there before.
    ...(!diverged && reached !== undefined && { steps_to_target: reached.step }),
    ...(cell.telemetry !== 'off' && { label: label(trace.clipped_steps, taken) }),
    parameters: Object.values(last).reduce((sum, { values }) => sum + values.length, 0),
  };
}

/** NaN is never better; on ties the earlier stays. */
export function isBetter(metric: number, than: number | undefined, better: Better): boolean {
  if (Number.isNaN(metric)) return false;
  return than === undefined || (better === 'higher' ? metric > than : metric < than);
}

/** `never` clipped, as a `safety_net` on up to a tenth of the steps, or `binding`. */
export function label(clippedSteps: number, steps: number): 'never' | 'safety_net' | 'binding' {
  if (clippedSteps === 0) return 'never';
  return clippedSteps <= steps / 10 ? 'safety_net' : 'binding';
}

function reaches(metric: number, target: number | undefined, better: Better): boolean {
  return target !== undefined && (better === 'higher' ? metric >= target : metric <= target);
}

function scoresAt(evals: EvalRow[], step: number): Scores {
  return Object.fromEntries(
    evals.filter((row) => row.step === step).map(({ split, loss, metric }) => [split, { loss, metric }]),
  );
}

/** Area under the validation metric by the trapezoid rule, divided by the steps. */
function area(evals: EvalRow[], steps: number): number {
  const curve = evals.filter(({ split }) => split === 'val');
  let sum = 0;
  curve.forEach((point, i) => {
    const before = curve[i - 1];
    if (before !== undefined) sum += ((point.metric + before.metric) / 2) * (point.step - before.step);
  });
  return sum / steps;
}

/** 16 hex digits of sha256 over names, shapes and little-endian float32 values, in order. */
export function hashParams(params: HostTensors): string {
  const hash = createHash('sha256');
  for (const [name, { shape, values }] of Object.entries(params)) {
    hash.update(`${name}[${shape.join(',')}]`);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}
