/**
 * Times one of the TensorFlow.js systems: `tfjs.ts SYSTEM PROFILE SECONDS WORK...` prints a line of JSON for each work, like
 * peers.py. On one thread; whoever starts it pins it to one core.
 */
import * as tf from '@tensorflow/tfjs';
import { loadBackend, restoreRemoved } from '../../src/engine/backend.ts';
import { compileStep } from '../../src/engine/compile-step.ts';
import { eager, toDevice } from '../../src/engine/eager.ts';
import { median } from '../../src/stats/quantile.ts';
import type { HostTensors } from '../../src/types.ts';
import { BATCHES, batchesOf, MAX_NORM, paramsOf } from './inputs.ts';
import { stepsOf } from './steps.ts';
import { type Clipping, clippings, meanLoss, type Training, trainings } from './works.ts';

type Work = Training | Clipping;
type Row = Record<string, number>;

interface Run {
  /** Steps in one call. */
  together: number;
  /** The scalars of the steps from number t on. */
  call(t: number): Row[];
}

/** In clipping works thresholds become smaller with every round, as in peers.py. */
function inputsAt(work: Work, inputs: HostTensors[], t: number): HostTensors {
  const fed = inputs[t % BATCHES] ?? {};
  const { threshold } = fed;
  if (!('clip' in work) || threshold === undefined) return fed;
  const factor = 0.98 ** Math.floor(t / BATCHES);
  return { threshold: { shape: [], values: threshold.values.map((value) => value * factor) } };
}

function clipbench(work: Work, mode: 'eager' | 'single' | 'loop', profile: string): Run {
  const { step, state, inputs } = stepsOf(work);
  const fused = profile === 'fast' && 'small' in work;
  // As clipbench does: with oneDNN a loop doesn't pay.
  const together = mode === 'loop' && (fused || profile === 'repro') ? BATCHES : 1;
  const batches = (t: number) => Array.from({ length: together }, (_, i) => inputsAt(work, inputs, t + i));
  const [first = {}] = inputs;
  const run =
    mode === 'eager'
      ? eager.train('', step, state, {})
      : compileStep(step, state, { inputs: toDevice(first), loop: together > 1, fused });
  return { together, call: (t) => run.call(batches(t)) };
}

/** As the documentation of tfjs has it: variables, variableGrads, an optimizer; clipping, which it lacks, by hand. */
function plainTfjs(work: Work): Run {
  if ('clip' in work) return plainClipping(work);
  const variables = Object.entries(toDevice(paramsOf(work))).map(([name, w]): [string, tf.Variable] => [
    name,
    tf.variable(w, true, `${work.name}.${name}`), // names are for the whole process
  ]);
  const weights = Object.fromEntries(variables);
  const optimizer =
    work.optimizer === 'adam' ? tf.train.adam(work.learning_rate, 0.9, 0.999, 1e-8) : tf.train.sgd(work.learning_rate);
  const batches = batchesOf(work).map(toDevice);
  const loss = (x: tf.Tensor, y: tf.Tensor) => meanLoss(work, work.plainly(weights, x), y);
  return {
    together: 1,
    call: (t) =>
      tf.tidy(() => {
        const { x = tf.scalar(0), y = x } = batches[t % BATCHES] ?? {};
        const { value, grads } = tf.variableGrads(() => loss(x, y), Object.values(weights));
        const norm = globalNorm(Object.values(grads));
        const factor = tf.minimum(tf.div(MAX_NORM, norm), 1);
        optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, g.mul(factor)])));
        return [{ loss: value.dataSync()[0] ?? Number.NaN, grad_norm: norm.dataSync()[0] ?? Number.NaN }];
      }),
  };
}

function plainClipping(work: Clipping): Run {
  const { inputs } = stepsOf(work);
  let grads = Object.values(toDevice(paramsOf(work)));
  return {
    together: 1,
    call(t) {
      const limit = inputsAt(work, inputs, t).threshold?.values[0] ?? 0;
      const { clipped, seen } = tf.tidy(() => {
        const norm = globalNorm(grads);
        const by = (g: tf.Tensor, length: tf.Tensor) => g.mul(tf.minimum(tf.div(limit, length), 1));
        const clipped = grads.map((g) => {
          if (work.clip === 'value') return g.clipByValue(-limit, limit);
          return by(g, work.clip === 'norm' ? g.norm() : norm);
        });
        const [, last = norm] = [norm, ...clipped.slice(-1)];
        return { clipped, seen: work.clip === 'global_norm' ? norm : last.flatten().slice(last.size - 1, 1) };
      });
      const [value = Number.NaN] = seen.dataSync();
      tf.dispose([grads, seen]);
      grads = clipped;
      return [{ seen: value }];
    },
  };
}

function globalNorm(tensors: tf.Tensor[]): tf.Tensor {
  return tf.addN(tensors.map((g) => g.square().sum())).sqrt();
}

/** tfjs-node as it comes, without the kernels and gradients that clipbench replaces; one thread, as everywhere here. */
async function loadStock(): Promise<void> {
  process.env.TF_NUM_INTRAOP_THREADS = '1';
  process.env.TF_NUM_INTEROP_THREADS = '1';
  restoreRemoved();
  await import('@tensorflow/tfjs-node');
  await tf.ready();
}

const systems: Record<string, (work: Work, profile: string) => Run> = {
  'clipbench-compiled': (work, profile) => clipbench(work, 'single', profile),
  'clipbench-compiled-k': (work, profile) => clipbench(work, 'loop', profile),
  'clipbench-eager': (work, profile) => clipbench(work, 'eager', profile),
  'tfjs-eager': plainTfjs,
};

/** The first 20 steps, then the median over chunks of at least 10 ms. */
function measure({ together, call }: Run, seconds: number): { ms: number; rows: Row[] } {
  let t = 0;
  const rows: Row[] = [];
  while (t < BATCHES) {
    rows.push(...call(t));
    t += together;
  }
  const timed = (calls: number) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      call(t);
      t += together;
    }
    return (performance.now() - start) / calls;
  };
  const warm: number[] = [];
  for (const until = performance.now() + 200; performance.now() < until; ) warm.push(timed(1));
  const calls = Math.floor(10 / Math.min(...warm)) + 1;
  const chunks: number[] = [];
  for (const until = performance.now() + 1000 * seconds; chunks.length < 5 || performance.now() < until; ) {
    chunks.push(timed(calls));
  }
  return { ms: median(chunks) / together, rows };
}

const [system = '', profile = 'repro', seconds, ...works] = process.argv.slice(2);
if (system === 'tfjs-eager') await loadStock();
else await loadBackend(profile === 'fast' ? 'fast' : 'repro');
for (const name of works) {
  try {
    const work = [...trainings, ...clippings].find((candidate) => candidate.name === name);
    const start = systems[system];
    if (work === undefined || start === undefined) throw new Error(`no work "${name}" or no system "${system}"`);
    const { ms, rows } = measure(start(work, profile), Number(seconds));
    const column = (key: string) => rows.flatMap((row) => row[key] ?? []);
    const norms = 'clip' in work ? (work.clip === 'global_norm' ? column('seen') : []) : column('grad_norm');
    process.stdout.write(`${JSON.stringify({ work: name, ms, losses: column('loss'), norms })}\n`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stdout.write(`${JSON.stringify({ work: name, error: message })}\n`);
  }
}
