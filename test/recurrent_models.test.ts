/** What rnn, lstm and gru are beside their layers: starts, dropout, outputs, refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { build, find, parts } from '../src/parts.ts';
import { train } from '../src/train/loop.ts';
import type { HostTensor, InitStreams, ModelPart, TaskShape } from '../src/types.ts';
import { useBackend } from './support/backends.ts';
import { addingCell } from './support/cells.ts';
import { optionsOf } from './support/choices.ts';
import { assertNear, freed, hostTensor, read, toHost } from './support/host.ts';

const models = ['rnn', 'lstm', 'gru'].map((name) => find(parts.models, name));
const shape = { input: [5, 2], output: 3 };
const streams: InitStreams = (parameter, drawn) => stream('init', 0, parameter, drawn);
const made = (part: ModelPart, options: Record<string, unknown>) =>
  build(part, { name: part.name, options: optionsOf(part, options) });
const started = (part: ModelPart, options: Record<string, unknown>, of: TaskShape = shape) =>
  toHost(made(part, { hidden: [4], ...options }).init(streams, of).params);

/** Column blocks [rows, width] of a weight, one for each gate. */
function gatesOf({ shape: [rows = 0, columns = 0], values }: HostTensor, width: number): Float64Array[] {
  return Array.from({ length: columns / width }, (_, gate) =>
    Float64Array.from(
      { length: rows * width },
      (_, i) => values[Math.floor(i / width) * columns + gate * width + (i % width)] ?? Number.NaN,
    ),
  );
}

for (const part of models) {
  test(`${part.name}: every gate's recurrent weights start as asked, times their gain, and the others with theirs`, () => {
    freed(() => {
      const { u0 = hostTensor([], []), w0 } = started(part, { recurrent_init: 'identity', recurrent_gain: 1.5 });
      const identity = Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1.5 : 0));
      for (const gate of gatesOf(u0, 4)) assert.deepEqual(gate, identity);
      const { u0: rotations = u0, w0: same } = started(part, { recurrent_gain: 2 });
      assert.deepEqual(same, w0, 'its gain is of recurrent weights alone');
      const gates = gatesOf(rotations, 4);
      for (const gate of gates) {
        for (let r = 0; r < 4; r++) {
          for (let s = 0; s <= r; s++) {
            const product = [0, 1, 2, 3].reduce((sum, k) => sum + (gate[4 * r + k] ?? 0) * (gate[4 * s + k] ?? 0), 0);
            assertNear(product, r === s ? 4 : 0, 1e-5, `rows ${r} and ${s}`);
          }
        }
      }
      assert.equal(new Set(gates.map(String)).size, gates.length, 'no two gates start equal');
      const { w0: doubled = u0 } = started(part, { gain: 2 });
      assert.deepEqual([...doubled.values], w0?.values && [...w0.values].map((w) => 2 * w));
    });
  });

  test(`${part.name}: dropout acts in training only, between layers and not in time`, async () => {
    await useBackend('native');
    freed(() => {
      const model = made(part, { hidden: [4, 3], dropout: 0.5 });
      const tokens = { input: [5], vocabulary: 6, output: 3, times: 5 };
      const params = { ...model.init(streams, tokens).params, c: tf.tensor1d([1, 2, 3]) };
      const x = tf.tensor2d([[0, 1, 2, 3, 4]]);
      const asked: string[] = [];
      const outputs = (training: boolean, rate: number) => {
        const noise = (site: string, drawn: number[]) => {
          asked.push(`${site} ${drawn}`);
          return tf.fill(drawn, 0.4);
        };
        const options = { dropout: tf.scalar(rate) };
        return read(model.apply(params, {}, x, { training, shape: tokens, noise, options })[0]);
      };
      const whole = outputs(false, 0.5);
      assert.deepEqual(asked, []);
      assert.notDeepEqual(outputs(true, 0.3), whole, 'what is kept is scaled up');
      assert.deepEqual(asked, ['dropout_embedding 5,1,64', 'dropout0 5,1,4', 'dropout1 5,1,3']);
      const biases = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3];
      assert.deepEqual([...outputs(true, 0.5).values], biases, 'with all units left out biases are left');
    });
  });

  test(`${part.name}: an output for each time depends on that time and those before alone`, async () => {
    await useBackend('native');
    freed(() => {
      const model = made(part, { hidden: [4, 3] });
      const each = { ...shape, times: 5 };
      const { params } = model.init(streams, each);
      const x = tf.sin(tf.range(0, 20)).reshape([2, 5, 2]);
      const outputs = (examples: tf.Tensor) =>
        model.apply(params, {}, examples, { training: false, shape: each })[0].reshape([2, 5, 3]);
      const later = tf.range(0, 5).greaterEqual(3).toFloat().reshape([1, 5, 1]);
      const difference = outputs(x)
        .sub(outputs(x.add(later)))
        .abs()
        .max([0, 2]);
      assert.deepEqual([...difference.greater(0).dataSync()], [0, 0, 0, 1, 1]);
    });
  });

  test(`${part.name} refuses what is no sequence, and outputs for other times than there are`, () => {
    const { refuse } = made(part, {});
    const sequences = /^reads sequences \[time, features\] or tokens \[time\], not (examples|tokens) of shape /;
    assert.match(refuse?.({ input: [8], output: 1 }) ?? '', sequences);
    assert.match(refuse?.({ input: [8, 8, 1], output: 1 }) ?? '', sequences);
    assert.match(refuse?.({ input: [8, 2], vocabulary: 3, output: 1 }) ?? '', sequences);
    const times = 'gives an output for each of the 8 times of a sequence, not for 3';
    assert.equal(refuse?.({ input: [8, 2], output: 1, times: 3 }), times);
    assert.equal(refuse?.({ input: [8], vocabulary: 3, output: 1, times: 8 }), undefined);
    assert.equal(refuse?.({ input: [8, 2], output: 1 }), undefined);
  });
}

test('the forget gates of an lstm start open, as far as asked', () => {
  freed(() => {
    const [, part] = models;
    const biases = (options: Record<string, unknown>) => part && [...(started(part, options).b0?.values ?? [])];
    const gates = (forget: number) => [0, forget, 0, 0].flatMap((value) => [value, value]);
    assert.deepEqual(biases({ hidden: [2] }), gates(1));
    assert.deepEqual(biases({ hidden: [2], forget_bias: -0.5 }), gates(-0.5));
  });
});

test('vectors of tokens start standard normal', () => {
  freed(() => {
    const [part] = models;
    const tokens = { input: [5], vocabulary: 100, output: 3 };
    const { embedding } = part ? started(part, { embedding: 50 }, tokens) : {};
    const values = [...(embedding?.values ?? [])];
    assert.deepEqual(embedding?.shape, [100, 50]);
    const mean = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    // Five standard errors.
    assertNear(mean(values), 0, 5 / Math.sqrt(5000), 'mean');
    assertNear(mean(values.map((value) => value * value)), 1, 5 * Math.sqrt(2 / 5000), 'variance');
  });
});

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

test(
  'with relu, Omega, dropout and normalization, too, compiled steps give the bits of the eager engine',
  onNative,
  async () => {
    await useBackend('native');
    const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
    const all = { hidden: [4, 3], dropout: 0.25, norm: 'layer' };
    const choices = [
      { name: 'rnn', options: { ...all, omega: 0.5 } },
      { name: 'rnn', options: { ...all, activation: 'relu', recurrent_init: 'identity', omega: 0.5 } },
      { name: 'lstm', options: all },
      { name: 'gru', options: all },
    ];
    for (const { name, options } of choices) {
      const cell = addingCell({ model: { name, options: optionsOf(find(parts.models, name), options) } });
      const [compiled, plain] = [engine, eager].map((own) => train(cell, () => 0, own));
      assert.deepEqual(compiled, plain, name);
      assert.equal(plain?.status, 'completed');
    }
    engine.dispose();
  },
);
