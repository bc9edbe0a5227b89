import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { noiseOf, normalOf } from '../src/noise.ts';
import { stateless } from '../src/philox.ts';
import { group } from '../src/tensors.ts';
import type { Step } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { freed, hostTensor } from './support/host.ts';

const keys = (high: number, low: number) => ({ high: tf.scalar(high), low: tf.scalar(low) });
const draw = (key: [number, number], step: number, site: string, count: number) =>
  freed(() => [...noiseOf(keys(...key), tf.scalar(step))(site, [count]).dataSync()]);

onBackends(['native'], 'the host draws what TensorFlow draws, bit for bit, for any seed and length', () => {
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(int32, int32, fc.integer({ min: 1, max: 70 }), (first, second, count) => {
      const theirs = freed(() => {
        const seed = tf.tensor1d([first, second], 'int32');
        return [
          ...tf
            .engine()
            .runKernel<tf.Tensor>('StatelessUniform', { seed }, { shape: [count] })
            .dataSync(),
        ];
      });
      assert.deepEqual([...stateless([first, second], count)], theirs);
    }),
    { seed: 1, numRuns: 300 },
  );
});

/** tf.random.stateless_uniform([6], seed=[3, 7]) of TensorFlow 2.21, as float32. */
const known = [
  0.8822014331817627, 0.028234124183654785, 0.9534571170806885, 0.003298521041870117, 0.49390101432800293,
  0.9725600481033325,
];

test('the numbers are those of TensorFlow in Python', () => {
  assert.deepEqual([...stateless([3, 7], 6)], known);
});

onBackends(
  ['native', 'wasm', 'cpu'],
  'noise is the same on every backend, and other for each key, site and step',
  () => {
    const first = draw([65535, 65535], 3, 'hidden', 5);
    assert.deepEqual(
      first,
      [0.6028234958648682, 0.6214075088500977, 0.586925745010376, 0.9802732467651367, 0.5738914012908936],
    );
    const others = [
      draw([65535, 65534], 3, 'hidden', 5),
      draw([65534, 65535], 3, 'hidden', 5),
      draw([65535, 65535], 4, 'hidden', 5),
      draw([65535, 65535], 3, 'output', 5),
    ];
    for (const other of others) assert.notDeepEqual(other, first);
    assert.deepEqual(draw([65535, 65535], 3, 'hidden', 5), first);
  },
);

test('uniform noise has mean 1/2 and variance 1/12, normal noise 0 and 1', () => {
  freed(() => {
    const noise = noiseOf(keys(1, 2), tf.scalar(0));
    for (const [numbers, mean, variance] of [
      [noise('a', [100_000]), 1 / 2, 1 / 12],
      [normalOf(noise)('b', [100_000]), 0, 1],
    ] as const) {
      const moments = tf.moments(numbers);
      // Four standard errors.
      assert.ok(Math.abs((moments.mean.dataSync()[0] ?? 9) - mean) < 4 * Math.sqrt(variance / 100_000), 'the mean');
      assert.ok(Math.abs((moments.variance.dataSync()[0] ?? 9) / variance - 1) < 0.02, 'the variance');
    }
  });
});

onBackends(['native'], 'masks in a compiled step are those of the eager engine, and advance with the step', () => {
  const step: Step = ({ w = tf.zeros([4]) }, inputs) => {
    const { step = tf.scalar(0) } = inputs;
    const mask = noiseOf(group(inputs, 'dropout'), step.asScalar())('hidden', [4]).greater(0.5).toFloat();
    return { state: { w: w.add(mask) }, scalars: { kept: mask.sum().asScalar() } };
  };
  const steps = Array.from({ length: 40 }, (_, t) => ({ step: hostTensor([], [t]) }));
  const engine = compiledEngine('repro', (why) => assert.fail(why));
  const results = [eager, engine].map((one) => {
    const run = one.train('masks', step, { w: tf.zeros([4]) }, { 'dropout.high': 5, 'dropout.low': 6 });
    const kept = run.call(steps).map((row) => row.kept);
    run.dispose();
    return kept;
  });
  engine.dispose();
  assert.deepEqual(results[1], results[0]);
  assert.ok(new Set(results[0]).size > 2, 'the masks differ from step to step');
});
