/** Every real task can be learned: a small model does it within a few hundred steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { find, parts } from '../src/parts.ts';
import { pick } from '../src/tensors.ts';
import { assemble } from '../src/train/assemble.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { train } from '../src/train/loop.ts';
import { initialState, makeStep } from '../src/train/step.ts';
import type { Cell, Engine, Model, Options, Part } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { addingCell, optimizer } from './support/cells.ts';
import { dataFile, optionsOf } from './support/choices.ts';
import { assertNear, hostTensor } from './support/host.ts';

const choose = <T>(list: Part<Options, T>[], name: string, options: Options) => ({
  name,
  options: optionsOf(find(list, name), options),
});
const plants = { target: 'kind', categorical: ['colour'], ignore: ['number'] };
const bars = { images: dataFile('bars-images-idx3-ubyte.gz'), labels: dataFile('bars-labels-idx1-ubyte') };

const learned: { task: string; options: Options; model: string; enough: (metric: number) => boolean }[] = [
  { task: 'penguins', options: {}, model: 'mlp', enough: (accuracy) => accuracy > 0.95 },
  // Saying the mean has an error of 1.
  { task: 'seattle_weather', options: { length: 5 }, model: 'rnn', enough: (mse) => mse < 0.2 },
  { task: 'mnist', options: { stride: 2 }, model: 'mlp', enough: (accuracy) => accuracy > 0.85 },
  { task: 'row_mnist', options: { stride: 4 }, model: 'rnn', enough: (accuracy) => accuracy > 0.55 },
  { task: 'pixel_mnist', options: { stride: 7 }, model: 'rnn', enough: (accuracy) => accuracy > 0.3 },
  {
    task: 'csv_file',
    options: { path: dataFile('plants.csv'), ...plants },
    model: 'mlp',
    enough: (share) => share > 0.75,
  },
  {
    task: 'json_lines_file',
    options: { path: dataFile('plants.jsonl'), ...plants },
    model: 'mlp',
    enough: (share) => share > 0.75,
  },
  { task: 'idx_file', options: bars, model: 'mlp', enough: (accuracy) => accuracy > 0.95 },
];

const never = (why: string) => assert.fail(`fell back: ${why}`);

for (const { task, options, model, enough } of learned) {
  test(`${task} ${Object.keys(options)}: a small ${model} learns it`, async () => {
    const missing = await useBackend('native');
    const engine = missing === undefined ? compiledEngine('repro', never) : eager;
    const cell: Partial<Cell> = {
      task: choose(parts.tasks, task, options),
      model: choose(parts.models, model, { hidden: [16] }),
      optimizer: optimizer('adam'),
      learning_rate: 0.01,
    };
    const { status, evals, final } = train(
      addingCell({ steps: 200, batch_size: 32, eval_every: 200, ...cell }),
      () => 0,
      engine,
    );
    engine.dispose();
    assert.equal(status, 'completed');
    const [before] = evals.filter(({ split }) => split === 'val');
    assert.ok(before && !enough(before.metric), `${before?.metric} before training`);
    for (const split of ['train', 'val', 'test'] as const) {
      const { metric = Number.NaN } = final[split] ?? {};
      assert.ok(enough(metric), `${split}: ${metric}`);
    }
  });
}

/** Says the next character from the present one alone: row i of the one matrix has the logits after character i. */
const bigrams: Model = {
  init: (_, { vocabulary = 0, output }) => ({ params: { w: tf.zeros([vocabulary, output]) }, state: {} }),
  apply(params, state, x) {
    const w = pick(params, 'w');
    const present = tf.oneHot(x.toInt().flatten(), w.shape[0] ?? 0).toFloat();
    return [
      present
        .as2D(x.size, -1)
        .matMul(w.as2D(w.shape[0] ?? 0, -1))
        .as2D(x.shape[0] ?? 0, -1),
      state,
    ];
  },
};

/** Losses of some steps of Adam on char_lm, and the score of what was learned. */
function reading(engine: Engine, steps: number) {
  const cell = addingCell({ task: choose(parts.tasks, 'char_lm', { length: 20 }), optimizer: optimizer('adam') });
  const assembled = { ...assemble(cell), model: bigrams };
  const { task } = assembled;
  const { params } = bigrams.init(stream, task.shape);
  const initial = initialState(assembled, params);
  const run = engine.train('reading', makeStep(assembled), initial, { ...assembled.constants, learning_rate: 0.1 });
  const next = task.batches(stream('reading'));
  const losses = Array.from({ length: steps }, (_, t) => {
    const { size, x, y } = next(32);
    const shape = [size, task.shape.times ?? 0];
    const [scalars] = run.call([{ x: hostTensor(shape, x), y: hostTensor(shape, y), step: hostTensor([], [t]) }]);
    return scalars?.loss ?? Number.NaN;
  });
  const scored = { task, model: bigrams, structure: 'reading' };
  const weights = { params: run.read('params'), state: {} };
  const [score] = evaluate(engine, scored, weights, [task.split('val', stream('unused'))]);
  run.dispose();
  return { losses, score };
}

onBackends(['native', 'wasm', 'cpu'], 'char_lm starts from equal chances and learns at each place', () => {
  const { losses, score } = reading(eager, 5);
  assertNear(losses[0], Math.log(104), 1e-5);
  assert.ok(
    losses.every((loss, t) => t === 0 || loss < (losses[t - 1] ?? 0)),
    `${losses}`,
  );
  assertNear(score?.metric, (score?.loss ?? 0) / Math.LN2, 1e-5);
});

test('char_lm compiled gives the bits of the eager engine, and bigrams need less than 4 bits for a character', async (t) => {
  const missing = await useBackend('native');
  if (missing !== undefined) return t.skip(missing);
  const engine = compiledEngine('repro', never);
  assert.deepEqual(reading(engine, 10), reading(eager, 10));
  // Without the present character it would be 4.5.
  const { metric = Number.NaN } = reading(engine, 150).score ?? {};
  engine.dispose();
  assert.ok(metric < 4, `${metric}`);
});
