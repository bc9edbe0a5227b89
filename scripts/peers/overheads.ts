/**
 * `npm run bench:overheads`: what clipping, telemetry and the harness add to a compiled step. Variants take turns in one process,
 * so that what the machine does meanwhile meets all of them. Start it pinned to one core. With `strategies` (`npm run bench:strategies`) it
 * is the cost of every strategy, and of optimizers that clip inside, written to results/peers/strategies.csv.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadBackend } from '../../src/engine/backend.ts';
import { compileStep } from '../../src/engine/compile-step.ts';
import { compiledEngine } from '../../src/engine/compiled.ts';
import { toDevice } from '../../src/engine/eager.ts';
import { stream } from '../../src/engine/random.ts';
import { fields } from '../../src/matrix/fields.ts';
import { find, parts, thresholdOption } from '../../src/parts.ts';
import { runText } from '../../src/run/text.ts';
import { hodgesLehmann } from '../../src/stats/hodges-lehmann.ts';
import { median } from '../../src/stats/quantile.ts';
import { assemble } from '../../src/train/assemble.ts';
import { train } from '../../src/train/loop.ts';
import { initialState, makeStep } from '../../src/train/step.ts';
import type { Cell, Choice, Clip, OptionValue, TransformPart } from '../../src/types.ts';
import { trainingSteps } from './steps.ts';
import { trainings } from './works.ts';

const STEPS = 40;
const ROUNDS = 41;

/** The multilayer perceptron of the comparison with other systems, on real digits. */
const cell = (strategy: Clip, telemetry: Cell['telemetry']): Cell => ({
  ...fields.parse({ steps: STEPS, eval_every: STEPS, telemetry }),
  schedule: { name: 'constant', options: {} },
  task: { name: 'mnist', options: { metric: 'accuracy' } },
  model: {
    name: 'mlp',
    options: { hidden: [256, 256], activation: 'relu', dropout: 0, init: 'glorot', distribution: 'uniform', gain: 1 },
  },
  optimizer: { name: 'sgd', options: { momentum: 0 } },
  learning_rate: 0.05,
  strategy: [strategy],
  seed: 0,
  phase: 'confirm',
});
const none: Choice = { name: 'none', options: {} };
const clipping: Choice = { name: 'global_norm', options: { max_norm: 1, semantics: 'safe' } };

/** Does STEPS steps; returns ms per step. */
type Variant = () => number;

const engine = compiledEngine('repro', (why) => {
  throw new Error(why);
});

/** Steps of the training loop, without the loop. */
function steps(of: Cell): Variant {
  const parts = assemble(of);
  const { task, model } = parts;
  const { params, state } = model.init((name, shape) => stream('init', 0, name, shape), task.shape);
  const initial = initialState(parts, params, state);
  const run = engine.train(parts.structure, makeStep(parts), initial, parts.constants);
  const next = task.batches(stream('data', 0));
  const batches = Array.from({ length: 20 }, (_, t) => {
    const batch = next(of.batch_size);
    const [x, y, size] = [batch.x.slice(), batch.y.slice(), batch.size];
    const scalar = (value: number) => ({ shape: [], values: Float32Array.of(value) });
    return {
      x: { shape: [size, ...task.shape.input], values: x },
      y: { shape: [size, task.shape.output], values: y },
      learning_rate: scalar(of.learning_rate),
      step: scalar(t),
    };
  });
  return () =>
    perStep(() => {
      for (let t = 0; t < STEPS; t += batches.length) run.call(batches);
    });
}

function transformer(strategy: Choice): Variant {
  const work = trainings.find(({ name }) => name === 'transformer');
  if (work === undefined) throw new Error('no such work');
  const { step, state, inputs } = trainingSteps(work, strategy);
  const compiled = compileStep(step, state, { inputs: toDevice(inputs[0] ?? {}) });
  return () => perStep(() => compiled.call([...inputs, ...inputs]));
}

function perStep(run: () => void): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / STEPS;
}

/** Batches, rows and their text: what a longer run takes beyond the time in its steps. */
function harness(): number {
  const times = [20, 820].map((count) => {
    const own = { ...cell(clipping, 'basic'), steps: count, eval_every: count };
    const start = performance.now();
    const summary = train(own, () => performance.now(), engine);
    runText('0123456789abcdef', own, summary);
    return { all: performance.now() - start, steps: 1000 * summary.train_seconds };
  });
  const [short = { all: 0, steps: 0 }, long = short] = times;
  return (long.all - short.all) / (long.steps - short.steps);
}

/** At its defaults, a needed threshold in the middle of its range. */
function usual(part: TransformPart): Choice {
  const option = thresholdOption(part);
  const { search } = z.globalRegistry.get(part.options.shape[option ?? ''] ?? z.never()) ?? {};
  const middle = search === undefined ? 1 : Math.sqrt(search.min * search.max);
  const given = part.options.safeParse({}).success || option === undefined ? {} : { [option]: middle };
  return { name: part.name, options: z.record(z.string(), z.custom<OptionValue>()).parse(part.options.parse(given)) };
}

/** Strategies and optimizers that clip inside, beside what they are compared with. */
function strategyCells(): Record<string, Record<string, Cell>> {
  const off = cell(none, 'off');
  const withStrategy = (part: TransformPart): [string, Cell] => {
    // Beside the gradient itself it has nothing to do.
    const place = part.name === 'cautious' ? { place: 'update' as const } : {};
    return [part.name, cell({ ...usual(part), ...place }, 'off')];
  };
  const withOptimizer = (name: string): [string, Cell] => [
    name,
    { ...off, optimizer: usual(find(parts.optimizers, name)) },
  ];
  const others = parts.strategies.filter(({ name }) => name !== 'none');
  const [each, whole] = [true, false].map((isEach) =>
    others.filter(({ needs }) => (needs === 'micro_batch') === isEach),
  );
  return {
    'no clipping': { 'no clipping': off, ...Object.fromEntries((whole ?? []).map(withStrategy)) },
    'no clipping, two micro-batches': {
      'no clipping': { ...off, accumulate: 2 },
      ...Object.fromEntries((each ?? []).map(withStrategy).map(([name, own]) => [name, { ...own, accumulate: 2 }])),
    },
    sgd: Object.fromEntries(['sgd', 'mixed_clip', 'clipped_sstm', 'acclip', 'adafactor', 'lars'].map(withOptimizer)),
    adam: Object.fromEntries(['adam', 'spam', 'stable_spam', 'stable_adamw', 'lamb'].map(withOptimizer)),
  };
}

const percent = (ratio: number) => `${ratio >= 1 ? '+' : ''}${(100 * (ratio - 1)).toFixed(1)} %`;

function report(what: string, ratios: number[]): void {
  const { estimate, low, high } = hodgesLehmann(ratios.map(Math.log));
  const [e, l, h] = [estimate, low, high].map((value) => percent(Math.exp(value)));
  process.stdout.write(`${what.padEnd(52)} ${e?.padStart(8)}   95 % interval ${l} to ${h}\n`);
}

/** Every variant against the first, in turns; the ratios by round. */
function compare(variants: Record<string, Variant>): Record<string, number[]> {
  const names = Object.keys(variants);
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const variant of Object.values(variants)) variant(); // warm
  for (let round = 0; round < ROUNDS; round++) {
    // Back and forth, so that no variant always comes after the same one.
    for (const name of round % 2 === 0 ? names : names.toReversed()) times[name]?.push(variants[name]?.() ?? 0);
  }
  const [base = '', ...others] = names;
  process.stdout.write(`${base}: ${median(times[base] ?? []).toFixed(3)} ms per step\n`);
  const ratios = (name: string) => (times[name] ?? []).map((ms, round) => ms / (times[base]?.[round] ?? Number.NaN));
  for (const name of others) report(`  ${name}`, ratios(name));
  return Object.fromEntries(others.map((name) => [name, ratios(name)]));
}

/** Steps per second of processes at work at the same time. */
async function together(cores: number[]): Promise<number> {
  const rates = cores.map(
    (core) =>
      new Promise<number>((resolve, reject) => {
        const words = [process.execPath, '--import', 'tsx', fileURLToPath(import.meta.url), 'rate'];
        const child = spawn('taskset', ['-c', String(core), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
        let text = '';
        child.stdout.on('data', (data) => {
          text += String(data);
        });
        child.on('error', reject);
        child.on('exit', () => resolve(Number(text)));
      }),
  );
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
}

await loadBackend();
if (process.argv[2] === 'rate') {
  const variant = steps(cell(clipping, 'basic'));
  variant();
  const until = performance.now() + 4000;
  const times: number[] = [];
  while (performance.now() < until) times.push(variant());
  process.stdout.write(String(1000 / median(times)));
} else if (process.argv[2] === 'strategies') {
  const lines = Object.entries(strategyCells()).flatMap(([baseline, cells]) => {
    const variants = Object.fromEntries(Object.entries(cells).map(([name, own]) => [name, steps(own)]));
    return Object.entries(compare(variants)).map(([name, ratios]) => {
      const { estimate, low, high } = hodgesLehmann(ratios.map(Math.log));
      return [name, `"${baseline}"`, ...[estimate, low, high].map((value) => Math.exp(value).toFixed(3))].join(',');
    });
  });
  const file = new URL('../../results/peers/strategies.csv', import.meta.url);
  writeFileSync(file, `name,baseline,step_ratio,low,high\n${lines.join('\n')}\n`);
} else {
  compare({
    'mlp, no clipping, telemetry off': steps(cell(none, 'off')),
    global_norm: steps(cell(clipping, 'off')),
    'telemetry basic': steps(cell(none, 'basic')),
    'telemetry full': steps(cell(none, 'full')),
    'global_norm, telemetry basic': steps(cell(clipping, 'basic')),
  });
  compare({ 'transformer, no clipping': transformer(none), global_norm: transformer(clipping) });
  harness(); // warm
  report('mlp: batches, rows and text around the steps', Array.from({ length: 9 }, harness));
  if (availableParallelism() > 1) {
    const ratios: number[] = [];
    for (let round = 0; round < 6; round++) ratios.push((await together([0, 1])) / (await together([round % 2])));
    process.stdout.write(`two workers on two cores do ${median(ratios).toFixed(2)} times the steps of one\n`);
  }
}
