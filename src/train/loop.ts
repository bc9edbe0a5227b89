/** One run: from a cell to its rows. Read `step.ts` first. */
import * as tf from '@tensorflow/tfjs';
import { eager, toDevice, toHost } from '../engine/eager.ts';
import { stream } from '../engine/random.ts';
import { examplesOf, thresholdIn } from '../parts.ts';
import type { Batch, Cell, Engine, HostTensors, Split, Training } from '../types.ts';
import { type Assembled, assemble } from './assemble.ts';
import { evaluate, type Weights } from './evaluate.ts';
import { batchesOf, begin, inputsOf, rateAt } from './feed.ts';
import { hashChain, tensorLinks } from './hash-chain.ts';
import { isBetter, type Summary, summarize, type Trace } from './summary.ts';
import { withThresholds } from './thresholds.ts';

/** Steps that an engine is given at once, at most: as many as pay. */
const TOGETHER = 20;

/**
 * Trains one cell. The same cell gives the same result, bit for bit, on one backend and engine. `now` reads a clock, in
 * ms.
 */
export function train(asked: Cell, now: () => number, engine: Engine = eager): Summary {
  const cell = withThresholds(asked, engine);
  const assembled = assemble(cell);
  const { task } = assembled;
  const run = begin(cell, assembled, engine);
  const examples = evaluationSets(cell, assembled);
  const nextBatch = batchesOf(cell, assembled);
  // No threshold could be measured, since the first gradient wasn't finite.
  const isLost = cell.strategy.some((clip) => Number.isNaN(thresholdIn(clip)));

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
  const weightsNow = (): Weights => ({ params: readout(assembled, run), state: run.read('model') });
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
    const last = isLost ? 0 : computed.findIndex(hasDiverged);
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

  // The test split is looked at twice only: with the best parameters, and with the last where the run has some. Never to choose by.
  const isBlind = cell.phase === 'tune';
  if (best !== undefined && !isBlind) score(best.step, ['test'], best.weights);
  const last = weightsNow();
  const isScored = best?.step === cell.steps;
  if (trace.diverged_at === undefined && !isScored && !isBlind) score(cell.steps, ['test'], last);
  run.dispose();
  const found = cell === asked || cell.strategy.length > 1 ? undefined : thresholdIn(cell.strategy[0]);
  return summarize({ ...trace, ...(found && { threshold: found }) }, cell, task.metric.better, best?.step, last.params);
}

/** The parameters that are evaluated and hashed. */
function readout({ optimizer }: Assembled, run: Training): HostTensors {
  const params = run.read('params');
  if (optimizer.readout === undefined) return params;
  const weights = tf.tidy(() => optimizer.readout?.(toDevice(params), toDevice(run.read('optimizer'))) ?? {});
  const values = toHost(weights);
  tf.dispose(weights);
  return values;
}

function hasDiverged(scalars: Record<string, number>): boolean {
  return !Number.isFinite(scalars.loss) || !Number.isFinite(scalars.param_norm) || Number(scalars['info.raised']) > 0;
}

/** What every run of a task is evaluated on: nothing but what shapes the task's examples goes into it. */
function evaluationSets(cell: Cell, { task }: Assembled): Record<Split, Batch> {
  const set = (split: Split) => task.split(split, stream('eval', split, examplesOf(cell.task)));
  return { train: set('train'), val: set('val'), test: set('test') };
}

/** Adds what follows from the measured norms: how much shorter the gradient became, and whether it was touched. */
function withClipping(scalars: Record<string, number>): Record<string, number> {
  const { grad_norm, clipped_norm } = scalars;
  if (grad_norm === undefined || clipped_norm === undefined) return scalars;
  const coef = grad_norm === 0 ? 1 : clipped_norm / grad_norm;
  const clip_coef = Math.fround(coef * (scalars['info.update_coef'] ?? 1));
  const clipped_fraction = scalars['info.clipped_fraction'] ?? (clip_coef < 1 - 1e-6 ? 1 : 0);
  return { ...scalars, clip_coef, clipped_fraction };
}
