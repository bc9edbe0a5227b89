/** Every model on every task that it can read, small enough to be trained a hundred times. */
import assert from 'node:assert/strict';
import { compiledEngine } from '../../src/engine/compiled.ts';
import { eager } from '../../src/engine/eager.ts';
import { build, parts } from '../../src/parts.ts';
import { runText } from '../../src/run/text.ts';
import { train } from '../../src/train/loop.ts';
import type { Summary } from '../../src/train/summary.ts';
import type { Cell, Choice, Engine, Options } from '../../src/types.ts';
import { useBackend } from './backends.ts';
import { choice, digitsCell, strategy } from './cells.ts';

/** What is tried with its defaults where it isn't named. */
const smallTasks: Record<string, Options> = {
  adding: { length: 8 },
  copy_memory: { delay: 4, symbols: 2 },
  temporal_order: { length: 10 },
  quadratic: { dimension: 4, condition_number: 10 },
  heavy_tail_regression: { features: 4, degrees_of_freedom: 5 },
  l0_l1_smooth: { features: 4, l1: 1 },
  mnist: { stride: 4 },
  row_mnist: { stride: 4 },
  pixel_mnist: { stride: 7 },
  char_lm: { length: 8 },
};
const smallModels: Record<string, Options> = {
  mlp: { hidden: [6], activation: 'tanh' },
  deep_linear: { depth: 2, width: 4 },
  cnn: { channels: [4], activation: 'tanh' },
  resnet: { channels: [4], activation: 'tanh', norm: 'batch' },
  rnn: { hidden: [6], embedding: 4 },
  lstm: { hidden: [4], embedding: 4 },
  gru: { hidden: [4], embedding: 4 },
  transformer: { width: 8, heads: 2, layers: 1 },
};

export interface Pair {
  title: string;
  task: Choice;
  model: Choice;
}

/** The other tasks read the user's own files. */
const tasks = parts.tasks
  .filter(({ options }) => options.safeParse({}).success)
  .map(({ name }) => choice(parts.tasks, name, smallTasks[name]));
const models = parts.models.map(({ name }) => choice(parts.models, name, smallModels[name]));

export const pairs: Pair[] = models.flatMap((model) =>
  tasks.flatMap((task) => {
    const refusal = built(parts.models, model).refuse?.(built(parts.tasks, task).shape);
    return refusal === undefined ? [{ title: `${model.name} on ${task.name}`, task, model }] : [];
  }),
);

function built<T>(list: Parameters<typeof build<T>>[0][], chosen: Choice): T {
  return build(list.find(({ name }) => name === chosen.name) ?? assert.fail(chosen.name), chosen);
}

/** A pair for each model, and then one for each task that none of them has. */
export const few: Pair[] = (() => {
  const byModel = models.flatMap(({ name }) => pairs.find(({ model }) => model.name === name) ?? []);
  const met = new Set(byModel.map(({ task }) => task.name));
  const rest = tasks.filter(({ name }) => !met.has(name));
  return [...byModel, ...rest.flatMap(({ name }) => pairs.findLast(({ task }) => task.name === name) ?? [])];
})();

/** A rate at which nothing is near to diverging: what backends round differently must not grow. */
const cellOf = ({ task, model }: Pair, steps: number): Cell =>
  digitsCell({
    task,
    model,
    steps,
    eval_every: steps,
    learning_rate: 0.01,
    telemetry: 'full',
    strategy: [strategy('global_norm', { max_norm: 1 })],
  });

const run = (cell: Cell, engine: Engine): Summary => train(cell, () => 0, engine);
const textOf = (cell: Cell, summary: Summary) => runText('0123456789abcdef', cell, summary);

/** How far backends may be apart after so many steps, relative to the value. */
const bounds = [
  { steps: 1, tolerance: 1e-6 },
  { steps: 10, tolerance: 1e-5 },
  { steps: 100, tolerance: 1e-4 },
];

/** On native compiled and op by op the bits are the same; wasm and cpu agree with them. Returns the backends that were there. */
export async function agree(pair: Pair, steps: number): Promise<string[]> {
  const cell = cellOf(pair, steps);
  const met: { backend: string; summary: Summary }[] = [];
  for (const backend of ['native', 'wasm', 'cpu'] as const) {
    if ((await useBackend(backend)) !== undefined) continue;
    const summary = run(cell, eager);
    assert.equal(summary.status, 'completed', backend);
    if (backend === 'native') {
      const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
      assert.deepEqual(textOf(cell, run(cell, engine)), textOf(cell, summary), 'compiled and op by op');
      engine.dispose();
    }
    met.push({ backend, summary });
  }
  const [first, ...others] = met;
  for (const { backend, summary } of others) {
    first?.summary.steps.forEach(({ step, scalars }, t) => {
      const tolerance = bounds.find((bound) => step < bound.steps)?.tolerance ?? 1e-4;
      for (const name of ['loss', 'grad_norm', 'update_norm', 'param_norm']) {
        const [wanted = Number.NaN, got = Number.NaN] = [scalars[name], summary.steps[t]?.scalars[name]];
        const distance = Math.abs(got - wanted) / Math.max(Math.abs(wanted), 1e-3);
        assert.ok(distance <= tolerance, `${name} at step ${step} on ${backend}: ${got}, ${first.backend} ${wanted}`);
      }
    });
  }
  return met.map(({ backend }) => backend);
}
