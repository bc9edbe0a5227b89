/** Attention and the transformer: against PyTorch, compiled, learning; what every model keeps to is in models.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { causalAttention } from '../src/layers/attention.ts';
import { build, find, parts } from '../src/parts.ts';
import { named, pick } from '../src/tensors.ts';
import type { Engine, InitStreams, ModelContext, Options, Step } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { optionsOf } from './support/choices.ts';
import { assertGolden } from './support/golden_layers.ts';
import { bitsOf, freed, hostTensor, read, shapesOf } from './support/host.ts';

const tensor = z
  .object({ shape: z.array(z.int()), values: z.array(z.number()) })
  .transform(({ shape, values }) => hostTensor(shape, values));
const tensors = z.record(z.string(), tensor);
const outcome = { params: tensors, y: tensor, dy: tensor, grads: tensors };
const attention = z.array(z.object({ batch: z.int(), heads: z.int(), ...outcome }));
/** Made by scripts/golden/attention.py, which says how. */
const golden = z
  .object({
    attention,
    multihead: attention,
    models: z.array(
      z.object({
        options: z.record(z.string(), z.union([z.number(), z.string()])),
        shape: z.object({
          input: z.array(z.int()),
          vocabulary: z.int().exactOptional(),
          output: z.int(),
          times: z.int().exactOptional(),
        }),
        x: tensor,
        ...outcome,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('./golden/attention.json', import.meta.url), 'utf8')));

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const everywhere = ['native', 'wasm', 'cpu'] as const;
const part = find(parts.models, 'transformer');
const made = (options: Options) => build(part, { name: part.name, options: optionsOf(part, options) });
const streams: InitStreams = (parameter, shape) => stream('init', 0, parameter, shape);

for (const { batch, heads, params, ...wanted } of golden.attention) {
  const [rows = 0, columns = 0] = params.qkv?.shape ?? [];
  const title = `attention of ${batch} x ${rows / batch} times, ${heads} heads, width ${columns / 3}, is PyTorch's`;
  onBackends([...everywhere], title, () => {
    freed(() => assertGolden((own) => causalAttention(pick(own, 'qkv'), batch, heads), params, wanted, 3e-6));
  });
}

onBackends([...everywhere], 'attention with its matrices is torch.nn.MultiheadAttention under a causal mask', () => {
  for (const { batch, heads, params, ...wanted } of golden.multihead) {
    freed(() => {
      assertGolden(
        (own) => {
          const qkv = pick(own, 'x').matMul(pick(own, 'qkv/w')).add(pick(own, 'qkv/b'));
          const joined = causalAttention(qkv, batch, heads);
          return joined.matMul(pick(own, 'joined/w')).add(pick(own, 'joined/b'));
        },
        params,
        wanted,
        3e-6,
      );
    });
  }
});

for (const { options, shape, x, params, ...wanted } of golden.models) {
  onBackends([...everywhere], `transformer ${JSON.stringify(options)}: outputs and gradients are PyTorch's`, () => {
    freed(() => {
      const model = made(options);
      const fresh = model.init(streams, shape);
      assert.deepEqual(shapesOf(fresh.params), shapesOf(params));
      const input = tf.tensor(x.values, x.shape);
      assertGolden((own) => model.apply(own, {}, input, { training: true, shape })[0], params, wanted, 1e-5);
    });
  });
}

onBackends([...everywhere], 'no time sees a later one, bit for bit, however large that is', () => {
  freed(() => {
    const [batch, time, heads, width] = [2, 6, 2, 4];
    const { normal } = stream('attention.test', 'qkv');
    const qkv = Float32Array.from({ length: batch * time * 3 * width }, normal);
    const before = Array.from(causalAttention(tf.tensor(qkv, [batch * time, 3 * width]), batch, heads).dataSync());
    for (const value of [1e30, -1e30]) {
      const changed = qkv.map((was, i) => (Math.floor(i / (3 * width)) % time > 3 ? value : was));
      const after = causalAttention(tf.tensor(changed, [batch * time, 3 * width]), batch, heads).dataSync();
      before.forEach((was, i) => {
        if (Math.floor(i / width) % time <= 3) assert.equal(after[i], was, `entry ${i} with ${value} later`);
      });
    }
  });
});

test('the output at each time is that of the sequence which ends there', async () => {
  await useBackend('native');
  freed(() => {
    const model = made({ layers: 2, width: 8, heads: 2 });
    const [time, vocabulary, output] = [5, 4, 3];
    const ending = (times: number) => ({ input: [times], vocabulary, output });
    const each = { ...ending(time), times: time };
    const { params } = model.init(streams, each);
    const x = tf.tensor2d([3, 0, 1, 2, 2, 0, 0, 3, 1, 1], [2, time]);
    const all = model.apply(params, {}, x, { training: false, shape: each })[0].reshape([2, time, output]);
    for (let t = 1; t <= time; t++) {
      const own = { ...params, position_embedding: pick(params, 'position_embedding').slice([0, 0], [t, -1]) };
      const [y] = model.apply(own, {}, x.slice([0, 0], [2, t]), { training: false, shape: ending(t) });
      const there = all.slice([0, t - 1, 0], [-1, 1, -1]).reshape([2, output]);
      const off = y.sub(there).abs().max().dataSync()[0] ?? Number.NaN;
      assert.ok(off < 1e-5, `at ${t}: off by ${off}`);
    }
  });
});

test('dropout acts in training alone, at sites of its own, and repeats with its noise', async () => {
  await useBackend('native');
  freed(() => {
    const model = made({ layers: 2, width: 4, heads: 1, dropout: 0.5 });
    const shape = { input: [3], vocabulary: 4, output: 2 };
    const { params } = model.init(streams, shape);
    const x = tf.tensor2d([[0, 1, 2]]);
    const sites: string[] = [];
    const noise = (site: string, size: number[]) => {
      sites.push(site);
      const { uniform } = stream('attention.test', site);
      return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(size) }, uniform), size);
    };
    const run = (context: ModelContext) => bitsOf({ y: read(model.apply(params, {}, x, context)[0]) });
    const context = { training: true, shape, noise, options: { dropout: tf.scalar(0.5) } };
    const dropped = run(context);
    assert.deepEqual([...sites].sort(), [...new Set(sites)].sort());
    assert.equal(sites.length, 5);
    assert.deepEqual(run(context), dropped);
    assert.notDeepEqual(run({ training: true, shape }), dropped);
    assert.deepEqual(run({ ...context, training: false }), run({ training: false, shape }));
  });
});

test('transformer refuses a width that its heads do not share evenly, and what is no sequence', () => {
  const sequence = { input: [5, 2], output: 1 };
  assert.equal(made({ width: 6, heads: 4 }).refuse?.(sequence), "can't split a width of 6 among 4 heads");
  const { refuse } = made({});
  assert.equal(refuse?.(sequence), undefined);
  assert.match(refuse?.({ input: [8, 8, 1], output: 10 }) ?? '', /of shape \[8, 8, 1\]$/);
  assert.match(refuse?.({ input: [5], vocabulary: 3, output: 3, times: 4 }) ?? '', /each of the 5 times .* not for 4$/);
});

const [BATCH, TIME, VOCABULARY] = [8, 6, 5];

/** Steps of plain gradient descent on the next token of sequences in which each is the last plus 1, or plus 2. */
function losses(options: Options, engine: Engine, steps: number): (number | undefined)[] {
  const model = made({ width: 8, heads: 2, ...options });
  const shape = { input: [TIME], vocabulary: VOCABULARY, output: VOCABULARY, times: TIME };
  const step: Step = (state, { x = tf.scalar(0), y = x, rate = x }) => {
    const names = Object.keys(state);
    const loss = (...values: tf.Tensor[]) => {
      const [logits] = model.apply(named(state, values), {}, x, { training: true, shape });
      const right = tf.oneHot(y.flatten().toInt(), VOCABULARY).toFloat();
      return tf
        .logSoftmax(logits.reshape([-1, VOCABULARY]))
        .mul(right)
        .sum()
        .div(-BATCH * TIME)
        .asScalar();
    };
    const { value, grads } = tf.valueAndGrads(loss)(Object.values(state));
    const moved = names.map((name, i) => pick(state, name).sub((grads[i] ?? value).mul(rate)));
    return { state: named(state, moved), scalars: { loss: value.asScalar() } };
  };
  const { uniform } = stream('attention.test', 'sequences');
  const batch = () => {
    const rows = Array.from({ length: BATCH }, () => ({
      start: Math.floor(uniform() * VOCABULARY),
      by: 1 + Math.floor(uniform() * 2),
    }));
    const values = (shift: number) =>
      rows.flatMap(({ start, by }) => Array.from({ length: TIME }, (_, t) => (start + by * (t + shift)) % VOCABULARY));
    const size = [BATCH, TIME];
    return { x: hostTensor(size, values(0)), y: hostTensor(size, values(1)), rate: hostTensor([], [0.3]) };
  };
  const run = engine.train(JSON.stringify(options), step, model.init(streams, shape).params, {});
  const rows = run.call(Array.from({ length: steps }, batch));
  run.dispose();
  return rows.map(({ loss }) => loss);
}

for (const options of [{}, { norm_place: 'post', activation: 'relu' }, { layers: 1, norm: 'rms' }]) {
  test(
    `transformer ${JSON.stringify(options)} gives the bits of the eager engine when it is compiled`,
    onNative,
    async () => {
      await useBackend('native');
      const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
      assert.deepEqual(losses(options, engine, 6), losses(options, eager, 6));
      engine.dispose();
    },
  );
}

onBackends([...everywhere], 'a small transformer learns which step a sequence takes from the tokens before', () => {
  const seen = losses({}, eager, 60);
  // Whoever sees the latest token alone is left with a doubt of ln 2 = 0.69.
  const [first = 0, last = 9] = [seen[0], seen.at(-1)];
  assert.ok(first > 1.4 && last < 0.5, `from ${first} to ${last}`);
});
