/** One run: from a cell to its rows. Read `step.ts` first. */
import { rowSizes } from '../data/examples.ts';
import { eager } from '../engine/eager.ts';
import { stream } from '../engine/random.ts';
import { examplesOf } from '../parts.ts';
import { join } from '../tensors.ts';
import type { Batch, Cell, Engine, HostTensor, HostTensors, Schedule, Split } from '../types.ts';
import { type Assembled, assemble } from './assemble.ts';
import { controlInputs } from './controls.ts';
import { evaluate, type Weights } from './evaluate.ts';
import { hashChain, tensorLinks } from './hash-chain.ts';
import { labelNoise } from './label-noise.ts';
import { makeStep } from './step.ts';
import { isBetter, type Summary, summarize, type Trace } from './summary.ts';

/** Steps that an engine is given at once, at most: as many as pay. */
const TOGETHER = 20;

/**
 * Trains one cell. The same cell gives the same result, bit for bit, on one backend and engine. `now` reads a clock, in
 * ms.
 */
export function train(cell: Cell, now: () => number, engine: Engine = eager): Summary {
  const assembled = assemble(cell);
  const { task } = assembled;
  const run = begin(cell, assembled, engine);
  const examples = evaluationSets(cell, assembled);
  const relabel = cell.label_noise === 0 ? undefined : labelNoise(cell.label_noise, task.shape, cell.seed);
  const nextBatch = task.batches(stream('data', cell.seed, examplesOf(cell.task)), relabel);

  const trace: Trace = { steps: [], evals: [], links: [], clipped_steps: 0, train_seconds: 0 };
  const chain = hashChain();
  /** Adds the splits' rows to the trace, and returns what ranks them. */
  const score = (step: number, splits: Split[], weights: Weights): number[] => {
    const scores = evaluate(
      engine,
      assembled,
      weights,
      splits.map((split) => examples[split]),
    );
    splits.forEach((split, i) => {
      const { loss = Number.NaN, metric = Number.NaN } = scores[i] ?? {};
      trace.evals.push({ step, split, loss, metric });
    });
    return scores.map(({ mean }) => mean);
  };
  const weightsNow = (): Weights => ({ params: run.read('params'), state: run.read('model') });
  let best: { step: number; mean: number; weights: Weights } | undefined;

  for (let t = 0; ; ) {
    if (t % cell.eval_every === 0 || t === cell.steps) {
      const weights = weightsNow();
      trace.links.push(...tensorLinks(t, { params: weights.params, model: weights.state }));
      const [, mean = Number.NaN] = score(t, ['train', 'val'], weights);
      if (isBetter(mean, best?.mean, task.metric.better)) best = { step: t, mean, weights };
    }
    if (t === cell.steps) break;

    const count = Math.min(TOGETHER, cell.eval_every - (t % cell.eval_every), cell.steps - t);
    const steps = inputsOf(cell, assembled, nextBatch(cell.batch_size * count), t);
    const start = now();
    const computed = run.call(steps).map(withClipping);
    const seconds = (now() - start) / 1000;
    // What was computed after a step that diverged is nothing but consequence, and isn't counted.
    const last = computed.findIndex(hasDiverged);
    const rows = last < 0 ? computed : computed.slice(0, last + 1);
    trace.train_seconds += (seconds * rows.length) / computed.length;
    for (const scalars of rows) {
      trace.links.push({ step: t, hash: chain(scalars) });
      if (Number(scalars.clipped_fraction) > 0) trace.clipped_steps += 1;
      if (hasDiverged(scalars) || t % cell.log_every === 0) {
        trace.steps.push({ step: t, learning_rate: rateAt(cell, assembled.schedule, t), scalars });
      }
      t += 1;
    }
    if (last >= 0) {
      trace.diverged_at = t - 1;
      break;
    }
  }

  // The test split is looked at twice only: with the best parameters, and with the last where the run has some.
  if (best !== undefined) score(best.step, ['test'], best.weights);
  const last = weightsNow();
  if (trace.diverged_at === undefined && best?.step !== cell.steps) score(cell.steps, ['test'], last);
  run.dispose();
  return summarize(trace, cell, task.metric.better, best?.step, last.params);
}

function hasDiverged({ loss, param_norm }: Record<string, number>): boolean {
  return !Number.isFinite(loss) || !Number.isFinite(param_norm);
}

/** Parameters and states at step 0, and the engine that will change them. */
function begin(cell: Cell, assembled: Assembled, engine: Engine) {
  const { task, model, strategy, optimizer } = assembled;
  const streams = (parameter: string, shape: number[]) => stream('init', cell.seed, parameter, shape);
  const { params, state } = model.init(streams, task.shape);
  const initial = join({ params, model: state, strategy: strategy.init(params), optimizer: optimizer.init(params) });
  const keys = join({ dropout: noiseKey('dropout', cell.seed), noise: noiseKey('noise', cell.seed) });
  return engine.train(assembled.structure, makeStep(assembled), initial, { ...assembled.constants, ...keys });
}

/** 32 bits in two halves, which float32 holds exactly. */
function noiseKey(purpose: string, seed: number): Record<'high' | 'low', number> {
  const { uniform } = stream(purpose, seed);
  const half = () => Math.floor(uniform() * 0x10000);
  return { high: half(), low: half() };
}

/** What every run of a task is evaluated on: nothing but what shapes the task's examples goes into it. */
function evaluationSets(cell: Cell, { task }: Assembled): Record<Split, Batch> {
  const set = (split: Split) => task.split(split, stream('eval', split, examplesOf(cell.task)));
  return { train: set('train'), val: set('val'), test: set('test') };
}

/** Of several steps from `first` on, whose batches stand one after the other: an engine can take them over as they are. */
function inputsOf(cell: Cell, { task, schedule }: Assembled, { size, x, y }: Batch, first: number): HostTensors[] {
  const { batch_size } = cell;
  const sizes = rowSizes(task.shape);
  return Array.from({ length: size / batch_size }, (_, i) => {
    const part = (values: Float32Array, row: number) =>
      values.subarray(i * batch_size * row, (i + 1) * batch_size * row);
    const numbers = {
      learning_rate: rateAt(cell, schedule, first + i),
      step: first + i,
      ...controlInputs(cell, first + i),
    };
    return {
      x: { shape: [batch_size, ...task.shape.input], values: part(x, sizes.x) },
      y: { shape: [batch_size, sizes.y], values: part(y, sizes.y) },
      ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, scalar(value)])),
    };
  });
}

/** The learning rate of a step, in double. */
function rateAt({ learning_rate, steps }: Cell, schedule: Schedule, step: number): number {
  return learning_rate * schedule(step, steps);
}

function scalar(value: number): HostTensor {
  return { shape: [], values: Float32Array.of(value) };
}

/** Adds what follows from the measured norms: how much shorter the gradient became, and whether it was touched. */
function withClipping(scalars: Record<string, number>): Record<string, number> {
  const { grad_norm, clipped_norm } = scalars;
  if (grad_norm === undefined || clipped_norm === undefined) return scalars;
  const clip_coef = Math.fround(grad_norm === 0 ? 1 : clipped_norm / grad_norm);
  const clipped_fraction = scalars['info.clipped_fraction'] ?? (clip_coef < 1 - 1e-6 ? 1 : 0);
  return { ...scalars, clip_coef, clipped_fraction };
}
