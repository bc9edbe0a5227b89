import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { z } from 'zod';
import { loadBackend } from '../src/engine/backend.ts';
import { eager } from '../src/engine/eager.ts';
import { manifestSchema } from '../src/manifest.ts';
import { build, find, parts } from '../src/parts.ts';
import { evaluate, type Ranked } from '../src/train/evaluate.ts';
import type { Batch, Model, Options, Task } from '../src/types.ts';
import { choice, digitsCell, trained } from './support/cells.ts';
import { dataFile, optionsOf } from './support/choices.ts';
import { clipbench, experimentFile, temporaryFolder } from './support/clipbench.ts';
import { assertNear } from './support/host.ts';
import { refusal } from './support/loading.ts';

before(() => loadBackend());

const made = (name: string, options: Record<string, unknown> = {}): Task => {
  const part = find(parts.tasks, name);
  return build(part, { name, options: optionsOf(part, options) });
};
const files: Record<string, Options> = {
  csv_file: { path: dataFile('plants.csv'), target: 'kind', categorical: ['colour'] },
  json_lines_file: { path: dataFile('plants.jsonl'), target: 'kind', categorical: ['colour'] },
  idx_file: { images: dataFile('bars-images-idx3-ubyte.gz'), labels: dataFile('bars-labels-idx1-ubyte') },
};

/** Gives its input back as its output. */
const identity: Model = {
  init: () => ({ params: {}, state: {} }),
  apply: (_, state, x) => [x.as2D(x.shape[0] ?? 0, -1), state],
};

/** Of examples whose inputs are the outputs. */
function scoreOf(task: Task, examples: Batch): Ranked | undefined {
  const { output, times = 1 } = task.shape;
  const read = { ...task, shape: { ...task.shape, input: [times * output] } };
  return evaluate(eager, { task: read, model: identity, structure: '' }, { params: {}, state: {} }, [examples])[0];
}

test('accuracy is the share of right classes and error the rest, for every task with classes', () => {
  const tasks = parts.tasks.filter(({ options }) => 'metric' in options.shape).map(({ name }) => name);
  const wanted = [...Object.keys(files), 'char_lm', 'mnist', 'penguins', 'pixel_mnist', 'row_mnist', 'two_spirals'];
  assert.deepEqual(tasks.toSorted(), wanted.sort());
  for (const name of tasks.filter((task) => task !== 'char_lm')) {
    const [accuracy, error] = ['accuracy', 'error'].map((metric) => made(name, { ...files[name], metric }));
    assert.ok(accuracy && error);
    assert.deepEqual(made(name, files[name]).metric, accuracy.metric, `${name} unless said`);
    const { output } = accuracy.shape;
    // The first class is the largest output of all; it is right for 3 of 8.
    const x = Float32Array.from({ length: 8 * output }, (_, i) => (i % output === 0 ? 2 : (i % 5) / 5));
    const y = Float32Array.from({ length: 8 * output }, (_, i) =>
      Number(i % output === (Math.floor(i / output) < 3 ? 0 : 1)),
    );
    const scores = [accuracy, error].map((task) => scoreOf(task, { size: 8, x, y })?.metric);
    assert.deepEqual(scores, [3 / 8, 5 / 8], name);
    assert.deepEqual(
      [accuracy.metric, error.metric].map(({ name, better }) => [name, better]),
      [
        ['accuracy', 'higher'],
        ['error', 'lower'],
      ],
    );
  }
});

const characters = ['bits_per_character', 'perplexity'].map((metric) => made('char_lm', { length: 2, metric }));

test('where all characters are as likely, the perplexity is their number, and the bits its logarithm', () => {
  const { output } = characters[0]?.shape ?? assert.fail();
  const examples = { size: 3, x: new Float32Array(3 * 2 * output), y: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const [bits, perplexity] = characters.map((task) => scoreOf(task, examples)?.metric);
  assertNear(bits, Math.log2(output), 1e-6);
  assertNear(perplexity, output, 1e-4);
});

test('perplexity is that of the mean loss over all characters, not a mean over windows', () => {
  const { output } = characters[0]?.shape ?? assert.fail();
  // The right character has odds of e^k against each other one: k is 0 in the first window and 8 in the second.
  const x = new Float32Array(2 * 2 * output);
  for (const time of [2, 3]) x[time * output + 1] = 8;
  const y = Float32Array.of(1, 1, 1, 1);
  const loss = (k: number) => Math.log(1 + (output - 1) * Math.exp(-k));
  const mean = (loss(0) + loss(8)) / 2;
  const [bits, perplexity] = characters.map((task) => scoreOf(task, { size: 2, x, y }));
  assertNear(perplexity?.loss, mean, 1e-6);
  assertNear(perplexity?.metric, Math.exp(mean), 1e-4);
  assertNear(bits?.metric, mean / Math.LN2, 1e-6);
  assert.ok(Math.abs(Math.exp(mean) - (Math.exp(loss(0)) + Math.exp(loss(8))) / 2) > 10, 'the two differ here');
});

test('a metric beyond all numbers stays Infinity, and NaN stays NaN', () => {
  const { output } = characters[0]?.shape ?? assert.fail();
  const wrongBy = (by: number) => {
    const x = new Float32Array(2 * output);
    x[0] = x[output] = by;
    return characters.map((task) => scoreOf(task, { size: 1, x, y: Float32Array.of(1, 1) }));
  };
  const [bits, perplexity] = wrongBy(1000).map((found) => found?.metric);
  // What ranks evaluations still tells them apart.
  assert.ok(Number(wrongBy(1000)[1]?.mean) < Number(wrongBy(1001)[1]?.mean));
  assertNear((bits ?? 0) / (1000 / Math.LN2), 1, 1e-6);
  assert.equal(perplexity, Number.POSITIVE_INFINITY);
  assert.deepEqual(
    wrongBy(Number.NaN).map((found) => found?.metric),
    [Number.NaN, Number.NaN],
  );
  const errors = made('quadratic', { dimension: 2 });
  const score = scoreOf(errors, { size: 1, x: Float32Array.of(1e30), y: Float32Array.of(0) });
  assert.deepEqual([score?.loss, score?.metric], [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

test('a metric changes nothing of what is learned and evaluated on', () => {
  const [accuracy, error] = ['accuracy', 'error'].map((metric) =>
    trained(digitsCell({ task: choice(parts.tasks, 'two_spirals', { metric }) })),
  );
  assert.ok(accuracy && error);
  assert.deepEqual(
    [error.params_hash, error.links, error.steps],
    [accuracy.params_hash, accuracy.links, accuracy.steps],
  );
  const finals = (['train', 'val', 'test'] as const).map((split) => [accuracy.final[split], error.final[split]]);
  for (const [right, wrong] of finals) {
    assert.equal(right?.loss, wrong?.loss);
    assertNear((right?.metric ?? 0) + (wrong?.metric ?? 0), 1, 1e-12);
  }
});

test('the error of a regression is refused', () => {
  for (const name of ['csv_file', 'json_lines_file']) {
    const options = { ...files[name], target: 'height', kind: 'regression' };
    assert.equal(
      refusal(() => made(name, { ...options, metric: 'error' })),
      'metric error is of classes, and kind is regression, whose metric is mse; leave it out',
    );
    assert.equal(made(name, options).metric.name, 'mse');
  }
});

test('the manifest has the metric of a task for each of its options', async (context) => {
  const folder = temporaryFolder(context);
  const own = `{name: csv_file, path: ${dataFile('plants.csv')}, target: kind, categorical: [[colour]], kind: [classification, regression]}`;
  const text = `question: q
seeds: 1
steps: 1
task: [${own}, {name: two_spirals, metric: [error, accuracy]}]
model: linear
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [none, {name: norm, max_norm: 1}]
compare: {baseline: none, metric: val_loss}
`;
  const out = join(folder, 'out');
  const { code, stderr } = await clipbench(['run', experimentFile(folder, text), '--out', out]);
  assert.equal(code, 0, stderr);
  const { parts: about } = manifestSchema.parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')));
  const metrics = Object.values(about.tasks ?? {}).flatMap((task) => Object.entries(task.metrics ?? {}));
  const found = metrics.map(([options, { name, better }]) => {
    const { kind = '', metric } = z
      .object({ kind: z.string().optional(), metric: z.string().default('accuracy') })
      .parse(JSON.parse(options));
    return [kind || metric, name, better].join(' ');
  });
  assert.deepEqual(found.sort(), [
    'accuracy accuracy higher',
    'classification accuracy higher',
    'error error lower',
    'regression mse lower',
  ]);
});
