/** Gradients of single examples: all at once as one after the other, and together as the batch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { oneByOne, vmap } from '../src/engine/vmap.ts';
import { noiseOf } from '../src/noise.ts';
import { factorsOf, formed } from '../src/outer.ts';
import { build, find, parts } from '../src/parts.ts';
import { mapTensors } from '../src/tensors.ts';
import { byExample, type Learnt, microBatches, together } from '../src/train/gradient.ts';
import { train } from '../src/train/loop.ts';
import type { Choice, ModelPart, Options } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { addingCell, choice, digitsCell, strategy, trained } from './support/cells.ts';
import { assertClose, assertNear, freed, normOf, read, toHost } from './support/host.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const EXAMPLES = 3;
const tasks = [
  choice(parts.tasks, 'mnist'),
  choice(parts.tasks, 'adding', { length: 6 }),
  choice(parts.tasks, 'char_lm', { length: 5 }),
];
/** What makes models small, and parts of them that are off by default. A model that isn't here is as it is by default. */
const small: Record<string, Options> = {
  deep_linear: { width: 4 },
  mlp: { hidden: [5, 4] },
  cnn: { channels: [2, 4] },
  resnet: { channels: [4, 6] },
  rnn: { hidden: [4, 3], embedding: 5, omega: 0.1 },
  lstm: { hidden: [4, 3], embedding: 5 },
  gru: { hidden: [4, 3], embedding: 5 },
  transformer: { width: 4, heads: 2, layers: 1 },
};
/** Every kind of norm that keeps examples apart, and dropout. */
const optionsOf = ({ name, options: { shape } }: ModelPart): Options[] => {
  const norm = shape.norm instanceof z.ZodDefault ? shape.norm.unwrap() : undefined;
  const norms = norm instanceof z.ZodEnum ? norm.options.map(String).filter((kind) => kind !== 'batch') : [undefined];
  return norms.map((kind) => ({
    ...small[name],
    ...(kind !== undefined && { norm: kind }),
    ...('dropout' in shape && { dropout: 0.3 }),
  }));
};

/** A batch of a task, and a model that is to learn it. */
function learning(taskChoice: (typeof tasks)[number], part: ModelPart, options: Options) {
  const task = build(find(parts.tasks, taskChoice.name), taskChoice);
  const model = build(part, choice(parts.models, part.name, options));
  if (model.refuse?.(task.shape) !== undefined) return undefined;
  const { params } = model.init((name, shape) => stream('init', name, shape), task.shape);
  const { x, y } = task.batches(stream('data', 0))(EXAMPLES);
  const [key, step] = [{ high: tf.scalar(1), low: tf.scalar(2) }, tf.scalar(3)];
  const scalars = { dropout: tf.scalar(0.3), omega: tf.scalar(0.1) };
  const learnt: Learnt = { task, model, params, control: {}, options: scalars, noise: noiseOf(key, step) };
  return {
    learnt,
    examples: {
      x: tf.tensor(x.slice(), [EXAMPLES, ...task.shape.input]),
      y: tf.tensor(y.slice(), [EXAMPLES, y.length / EXAMPLES]),
    },
  };
}

for (const part of parts.models) {
  onBackends(
    ['native', 'wasm', 'cpu'],
    `${part.name}: gradients of examples are those of each alone, their mean that of the batch`,
    () => {
      for (const task of tasks) {
        for (const options of optionsOf(part)) {
          freed(() => {
            const given = learning(task, part, options);
            if (given === undefined) return;
            const { learnt, examples } = given;
            const title = `${task.name} ${JSON.stringify(options)}`;
            const atOnce = byExample(learnt, {}, examples);
            const alone = byExample(learnt, {}, examples, oneByOne);
            const [batch] = microBatches(learnt, {}, examples, 1);
            const size = normOf(...Object.values(toHost(alone.grads)));
            assert.ok(size > 0, title);
            assertClose(read(atOnce.losses), read(alone.losses), 1e-5, title);
            const mean = together(atOnce);
            for (const [name, wanted] of Object.entries(toHost(alone.grads))) {
              const got = atOnce.grads[name] ?? assert.fail(`no gradient by ${name}`);
              assertDistance(read(got), wanted, 1e-5 * size, `${title} ${name}`);
              assertDistance(read(formed(got)), wanted, 1e-5 * size, `${title} ${name} from its factors`);
              const whole = batch?.raw[name] ?? assert.fail(`no gradient by ${name}`);
              assertDistance(read(mean.raw[name] ?? got), read(whole), 1e-5 * size, `${title} mean by ${name}`);
            }
            assertNear(
              mean.loss.dataSync()[0],
              Number(batch?.loss.dataSync()[0]),
              1e-6 * Math.abs(Number(mean.loss.dataSync()[0])),
            );
          });
        }
      }
    },
  );
}

function assertDistance(
  got: ReturnType<typeof read>,
  wanted: ReturnType<typeof read>,
  bound: number,
  what: string,
): void {
  assert.deepEqual(got.shape, wanted.shape, what);
  const off = normOf({
    shape: got.shape,
    values: got.values.map((value, i) => value - (wanted.values[i] ?? Number.NaN)),
  });
  assert.ok(off <= bound, `${what}: off by ${off}, allowed ${bound}`);
}

/** Functions of one example, for the rules that no model meets. */
const functions: Record<string, (x: tf.Tensor, w: tf.Tensor) => tf.Tensor[]> = {
  'axes in front and behind': (x) => [x.sum(), x.max(0), x.min(-1), x.mean([0, 1]), x.prod(1), x.argMax(1).toFloat()],
  'shapes and places': (x) => [
    x.transpose(),
    x.reshape([6, 1]),
    x.slice([1, 1], [1, 2]),
    x.pad([
      [1, 0],
      [0, 2],
    ]),
    x.tile([2, 1]),
  ],
  lists: (x, w) => [
    tf.concat([x, x.mul(2)], 1),
    tf.stack([x, x], 2),
    tf.stack([x.flatten().slice(0, 3), w.slice([0, 0], [1, 3]).flatten()]),
    ...tf.split(x, 3, 1),
    ...x.unstack(-1),
  ],
  'choices between what depends on the example and what does not': (x, w) => [
    tf.where(x.greater(0), x, tf.zerosLike(x)),
    tf.where(w.slice([0, 0], [2, 3]).greater(0), x, w.slice([1, 0], [2, 3])),
    tf.addN([x, w.slice([0, 0], [2, 3])]),
  ],
  'broadcasting either way': (x, w) => [
    x.add(w.slice([0, 0], [1, 3])),
    x.mul(x.sum(1, true)),
    x.flatten().sub(x.sum()),
    w.mul(x.sum()),
    w.mul(x.sum(0)),
    x.expandDims(0).div(w.expandDims(1).add(3)),
  ],
  products: (x, w) => [
    x.matMul(w),
    w.matMul(x, true, true),
    x.matMul(x, false, true),
    w.transpose().matMul(x, false, true),
    x.matMul(w, false, false).softmax(),
  ],
  'kernels without a rule': (x) => [x.cumsum(1), x.reverse(1), tf.topk(x, 2).values],
  'other types': (x) => [
    x.greater(0).toFloat(),
    x.greater(0).toFloat().add(0.5),
    x.greater(0).toInt().toFloat().mul(0.5),
  ],
  'what is the same for all': (x, w) => [w.square(), tf.zerosLike(x), w.sum()],
};
for (const [title, f] of Object.entries(functions)) {
  onBackends(['native', 'wasm', 'cpu'], `vmap: ${title}`, () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.tensor(
        Float32Array.from({ length: 24 }, (_, i) => Math.sin(i * i)),
        [2, 4, 3],
      );
      const w = tf.tensor(
        Float32Array.from({ length: 9 }, (_, i) => Math.cos(i)),
        [3, 3],
      );
      const [got, wanted] = [vmap, oneByOne].map((forEach) => forEach(4, (oneOf) => f(oneOf(x, 1), w)));
      assert.equal(got?.length, wanted?.length);
      wanted?.forEach((tensor, i) => {
        assertClose(read(got?.[i] ?? x), read(tensor), 1e-6, `${title} ${i}`);
      });
    });
    assert.equal(tf.memory().numTensors, before, 'a tensor is left behind');
  });
}

test('vmap leaves nothing behind where the function fails', () => {
  const before = tf.memory().numTensors;
  assert.throws(() =>
    tf.tidy(() =>
      vmap(2, (oneOf) => {
        oneOf(tf.ones([2, 3])).square();
        throw new Error('no more');
      }),
    ),
  );
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([...tf.tidy(() => tf.scalar(3).square().dataSync())], [9]);
});

test('a gradient by the weights of a layer is known by its factors, and without them where it is changed', () => {
  freed(() => {
    const { learnt, examples } = learning(tasks[0] ?? assert.fail(), find(parts.models, 'mlp'), {}) ?? assert.fail();
    const { grads } = byExample(learnt, {}, examples);
    const isOuter = Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, factorsOf(g) !== undefined]));
    assert.deepEqual(isOuter, { w0: true, b0: false, w1: true, b1: false });
    assert.ok(Object.values(mapTensors(grads, (g) => g.mul(2))).every((g) => factorsOf(g) === undefined));
  });
});

test('without clipping and noise a run is that of none, to rounding', async () => {
  await useBackend('native'); // or the best there is
  for (const cellOf of [digitsCell, addingCell]) {
    const [free, plain] = [strategy('dp_sgd', { max_norm: 1e9 }), strategy('none')].map((one) =>
      trained(cellOf({ strategy: [one], telemetry: 'full', l2: 0.01, gradient_noise: 0.01, gradient_scale: 2 })),
    );
    plain?.steps.forEach(({ scalars }, t) => {
      const own = free?.steps[t]?.scalars;
      for (const name of ['loss', 'grad_norm', 'clipped_norm', 'update_norm'])
        assertNear(own?.[name], Number(scalars[name]), 1e-5 * Number(scalars[name]), `${name} at step ${t}`);
      assert.equal(own?.['info.clipped_fraction'], 0);
    });
  }
});

test('the compiled engine has the bits of the eager one, with dropout too', onNative, async () => {
  await useBackend('native');
  const engine = compiledEngine('repro', (why) => assert.fail(why));
  const clip = strategy('dp_sgd', { max_norm: 0.1, noise_multiplier: 0.5 });
  for (const part of parts.models) {
    const [options = {}] = optionsOf(part).slice(-1);
    const model = choice(parts.models, part.name, options);
    const shapeOf = (task: Choice) => build(find(parts.tasks, task.name), task).shape;
    const task = tasks.findLast((one) => build(part, model).refuse?.(shapeOf(one)) === undefined) ?? assert.fail();
    const own = { task, model, strategy: [clip], batch_size: EXAMPLES, steps: 2, eval_every: 2 };
    const cell = digitsCell({ ...own, telemetry: 'full' });
    assert.deepEqual(
      train(cell, () => 0, engine),
      train(cell, () => 0, eager),
      `${part.name} on ${task.name}`,
    );
  }
  engine.dispose();
});
