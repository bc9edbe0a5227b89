import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { stream } from '../src/engine/random.ts';
import { activations } from '../src/layers/activation.ts';
import { groupsOf, newNorm, normalize } from '../src/layers/norm.ts';
import { scaledActivation, standardizedWeights } from '../src/layers/norm_free.ts';
import { newWeights, weightsOf } from '../src/layers/weight_norm.ts';
import { pick } from '../src/tensors.ts';
import type { HostTensors, Tensors } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { assertAllClose, assertGolden, golden } from './support/golden_layers.ts';
import { assertClose, assertNear, bitsOf, freed, hostTensor, read, toHost, toTensors } from './support/host.ts';

for (const { kind, params, steps } of golden.norms) {
  const shape = steps[0]?.x.shape ?? [];

  onBackends(
    ['native', 'wasm', 'cpu'],
    `${kind} norm of [${shape}]: values and gradients are those of torch.nn`,
    () => {
      freed(() => {
        const fresh = newNorm(kind, 'norm', shape.at(-1) ?? 0);
        assert.deepEqual(Object.keys(fresh.params), Object.keys(params));
        let { state } = fresh;
        for (const { training, x, state: after, ...wanted } of steps) {
          const before = state;
          const run = ({ x: h = tf.scalar(0), ...own }: Tensors) => normalize(kind, 'norm', h, own, before, training);
          assertGolden((inputs) => run(inputs).h, { x, ...params }, wanted, 2e-6);
          ({ state } = run(toTensors({ x, ...params })));
          assertAllClose(toHost(state), after, 1e-6);
        }
      });
    },
  );
}

test('evaluation takes the running statistics and leaves them as they are; training takes those of the batch', async () => {
  await useBackend('native');
  freed(() => {
    const { params, state } = newNorm('batch', 'norm', 2);
    const run = (h: tf.Tensor, before: Tensors, training: boolean) =>
      normalize('batch', 'norm', h, params, before, training);
    const [small, large] = [
      tf.tensor2d([
        [1, 10],
        [3, 30],
      ]),
      tf.tensor2d([
        [101, -10],
        [103, -30],
      ]),
    ];
    // At the start they are mean 0 and variance 1.
    assertClose(read(run(small, state, false).h), hostTensor([2, 2], [1, 10, 3, 30]), 1e-5, 'evaluation at the start');
    // The same pattern about another mean gives the same in training.
    for (const x of [small, large]) {
      const { values } = read(run(x, state, true).h);
      for (const value of values) assertNear(Math.abs(value), 1, 1e-5);
    }
    const { state: after } = run(small, state, true);
    // Means 2 and 20; variances with n - 1: 2 and 200.
    assertAllClose(
      toHost(after),
      { 'norm/mean': hostTensor([2], [0.2, 2]), 'norm/variance': hostTensor([2], [1.1, 20.9]) },
      1e-6,
    );
    const evaluated = run(large, after, false);
    assert.deepEqual(bitsOf(toHost(evaluated.state)), bitsOf(toHost(after)));
    assertNear(read(evaluated.h).values[0], (101 - 0.2) / Math.sqrt(1.1 + 1e-5), 1e-4);
    // One example: its own mean and no variance, and nothing that isn't a number.
    const alone = run(tf.tensor2d([[5, 6]]), state, true);
    assert.deepEqual([...read(alone.h).values], [0, 0]);
    assertAllClose(
      toHost(alone.state),
      { 'norm/mean': hostTensor([2], [0.5, 0.6]), 'norm/variance': hostTensor([2], [0.9, 0.9]) },
      1e-6,
    );
  });
});

test('a layer changes the state of its own name only', async () => {
  await useBackend('native');
  freed(() => {
    const [a, b] = [newNorm('batch', 'a', 2), newNorm('batch', 'b', 2)];
    const state = { ...a.state, other: tf.scalar(7), ...b.state };
    const after = normalize(
      'batch',
      'b',
      tf.tensor2d([
        [1, 2],
        [3, 5],
      ]),
      b.params,
      state,
      true,
    ).state;
    assert.deepEqual(Object.keys(after), Object.keys(state));
    const changed = Object.keys(state).filter((name) => pick(after, name) !== pick(state, name));
    assert.deepEqual(changed, ['b/mean', 'b/variance']);
  });
});

test('group norm takes the largest number of groups up to 8 that leaves two channels or more to each', () => {
  assert.deepEqual([1, 2, 3, 4, 6, 8, 9, 10, 11, 16, 64, 7 * 6].map(groupsOf), [1, 1, 1, 2, 3, 4, 3, 5, 1, 8, 8, 7]);
});

onBackends(['native', 'wasm', 'cpu'], 'numbers that are all the same become 0, with a finite gradient', () => {
  freed(() => {
    for (const kind of ['batch', 'layer', 'group'] as const) {
      const { params, state } = newNorm(kind, 'norm', 4);
      const run = (h: tf.Tensor) =>
        normalize(kind, 'norm', h, params, state, true)
          .h.mul(tf.range(0, 12).reshape([3, 4]))
          .sum();
      const { value, grad } = tf.valueAndGrad((h: tf.Tensor) => run(h).asScalar())(tf.fill([3, 4], 2));
      assert.equal(read(value).values[0], 0);
      assert.equal(read(grad).values.every(Number.isFinite), true, kind);
    }
  });
});

for (const { params, start, ...wanted } of golden.weight_norms) {
  const shape = params.w?.shape ?? [];

  onBackends(['native', 'wasm', 'cpu'], `weight norm of [${shape}] and its gradients are those of PyTorch`, () => {
    freed(() => assertGolden((inputs) => weightsOf(true, inputs, 'w'), params, wanted, 2e-6));
  });

  test(`with weight norm weights of [${shape}] start as those without, with the lengths they have`, async () => {
    await useBackend('native');
    freed(() => {
      const streams = (name: string, drawn: number[]) => stream('init', 0, name, drawn);
      const made = (hasLengths: boolean, init: 'glorot' | 'identity') =>
        newWeights(hasLengths, { init, distribution: 'uniform', gain: 1 }, streams, 'w', shape);
      for (const init of ['glorot', 'identity'] as const) {
        const [plain, normed] = [made(false, init), made(true, init)];
        assert.deepEqual(bitsOf(toHost({ w: pick(normed, 'w') })), bitsOf(toHost(plain)));
        assertClose(read(weightsOf(true, normed, 'w')), read(weightsOf(false, plain, 'w')), 1e-6, init);
      }
      // The lengths of PyTorch's v.
      const own = toTensors({ ...params, 'w/length': start });
      assertClose(read(weightsOf(true, own, 'w')), read(pick(own, 'w')), 1e-6, 'length');
    });
  });
}

for (const { params, ...wanted } of golden.standardizations) {
  const standardize = (inputs: Tensors) => standardizedWeights(pick(inputs, 'w'), pick(inputs, 'w/length'));

  onBackends(
    ['native', 'wasm', 'cpu'],
    `standardized weights of [${params.w?.shape}]: values, gradients, mean and length`,
    () => {
      freed(() => {
        assertGolden(standardize, params, wanted, 2e-6);
        const w = standardize(toTensors({ ...params, 'w/length': ones(params) }));
        const inputs = w.shape.map((_, axis) => axis).slice(0, -1);
        const [means, lengths] = [read(w.mean(inputs)).values, read(w.square().sum(inputs)).values];
        for (const mean of means) assertNear(mean, 0, 1e-7);
        // One unit of equal weights is among them: it stays 0.
        assert.deepEqual([...lengths].map((length) => Math.round(length * 1e5) / 1e5).sort(), [
          0,
          ...Array(lengths.length - 1).fill(1),
        ]);
      });
    },
  );
}
const ones = (params: HostTensors) =>
  hostTensor(params['w/length']?.shape ?? [], Array(params['w/length']?.shape[0] ?? 0).fill(1));

test('scaled activations of standard normal numbers have variance 1', async () => {
  await useBackend('cpu');
  freed(() => {
    // Every 1/1000 from -8 to 8, weighted with the density.
    const z = Array.from({ length: 16_001 }, (_, i) => i / 1000 - 8);
    const density = z.map((at) => Math.exp((-at * at) / 2) / Math.sqrt(2 * Math.PI) / 1000);
    for (const name of ['relu', 'tanh', 'sigmoid', 'elu', 'silu', 'gelu', 'identity'] as const) {
      const values = [...read(scaledActivation(name, tf.tensor1d(z))).values];
      const over = (f: (value: number) => number) =>
        values.reduce((sum, value, i) => sum + f(value) * (density[i] ?? 0), 0);
      const mean = over((value) => value);
      assertNear(
        over((value) => (value - mean) * (value - mean)),
        1,
        1e-6,
        name,
      );
    }
    assert.equal(Object.keys(activations).length, 7);
  });
});
