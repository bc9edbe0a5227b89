/** The regularizer Omega in the gradient by recurrent weights; scripts/golden/recurrent.py has it in PyTorch as well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { stream } from '../src/engine/random.ts';
import { recurrence } from '../src/layers/recurrence.ts';
import type { HostTensor } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { assertClose, freed, hostTensor, read, toTensors } from './support/host.ts';

const [BATCH, WIDTH] = [3, 4];
type Kind = 'tanh' | 'relu';

const normals = (name: string, shape: number[], scale = 1): HostTensor => {
  const { normal } = stream('omega.test', name, shape);
  return hostTensor(
    shape,
    Array.from({ length: tf.util.sizeFromShape(shape) }, () => scale * normal()),
  );
};

/** What the inputs contribute, U, and the weight of each state in the loss, which is their sum, times `scale`. */
const givenOver = (time: number, scale = 1) => ({
  a: normals('a', [time, BATCH, WIDTH]),
  u: normals('u', [WIDTH, WIDTH], 0.7),
  weights: normals('weights', [time, BATCH, WIDTH], scale),
});
type Given = ReturnType<typeof givenOver>;

/** The gradients by a and U, with this factor on Omega where there is one. */
function gradients(given: Given, activation: Kind, omega?: number): { a: tf.Tensor; u: tf.Tensor } {
  const { a = tf.scalar(0), u = a, weights = a } = toTensors(given);
  const options = { activation, omega: omega === undefined ? undefined : tf.scalar(omega) };
  const loss = (inputs: tf.Tensor, own: tf.Tensor) => recurrence(inputs, own, 'all', options).mul(weights).sum();
  const [byA = a, byU = u] = tf.grads(loss)([a, u]);
  return { a: byA, u: byU };
}

const omegaAlone = (given: Given, activation: Kind, factor = 1): HostTensor =>
  read(gradients(given, activation, factor).u.sub(gradients(given, activation).u));

const indices = [...Array(WIDTH).keys()];
const lengthOf = (row: number[]) => Math.hypot(...row);

/** Omega of one example as a function of U (row by row) in double: states and gradients are those at the given U. */
function plainOmega({ a, u, weights }: Given, activation: Kind, example: number): (own: number[]) => number {
  const time = a.shape[0] ?? 0;
  const rowsOf = ({ values }: HostTensor) =>
    Array.from({ length: time }, (_, t) => indices.map((i) => values[(t * BATCH + example) * WIDTH + i] ?? Number.NaN));
  const [inputs, outer] = [rowsOf(a), rowsOf(weights)];
  const at = (own: ArrayLike<number>, i: number, j: number) => own[i * WIDTH + j] ?? Number.NaN;
  const sum = (f: (k: number) => number) => indices.reduce((total, k) => total + f(k), 0);
  const slopes: number[][] = [];
  let h = indices.map(() => 0);
  for (const input of inputs) {
    const z = indices.map((j) => (input[j] ?? 0) + sum((i) => (h[i] ?? 0) * at(u.values, i, j)));
    h = z.map(activation === 'tanh' ? Math.tanh : (value) => Math.max(value, 0));
    slopes.push(activation === 'tanh' ? h.map((value) => 1 - value * value) : z.map((value) => (value > 0 ? 1 : 0)));
  }
  /** dE/dz_(k+1) dz_(k+1)/dz_k. */
  const carried = (own: ArrayLike<number>, later: number[], slope: number[]) =>
    indices.map((i) => sum((j) => (later[j] ?? 0) * at(own, i, j)) * (slope[i] ?? 0));
  const dz: number[][] = [];
  for (let t = time - 1; t >= 0; t--) {
    const [slope = [], later = indices.map(() => 0)] = [slopes[t], dz[0]];
    const back = carried(u.values, later, slope);
    dz.unshift(indices.map((i) => (outer[t]?.[i] ?? 0) * (slope[i] ?? 0) + (back[i] ?? 0)));
  }
  return (own) =>
    dz.slice(1).reduce((total, later, k) => {
      const before = lengthOf(carried(own, later, slopes[k] ?? []));
      const term = before / lengthOf(later) - 1;
      // Where no gradient arrives, or passes, there is nothing to keep up.
      return total + (lengthOf(later) > 0 && before > 0 ? term * term : 0);
    }, 0);
}

/** Its gradient by differences, the mean over the batch. */
function plainGradient(given: Given, activation: Kind): HostTensor {
  const examples = [...Array(BATCH).keys()].map((example) => plainOmega(given, activation, example));
  const [at, step] = [[...given.u.values], 1e-5];
  const mean = (own: number[]) => examples.reduce((total, omega) => total + omega(own), 0) / BATCH;
  const moved = (i: number, by: number) => mean(at.map((value, k) => (k === i ? value + by : value)));
  return hostTensor(
    given.u.shape,
    at.map((_, i) => (moved(i, step) - moved(i, -step)) / (2 * step)),
  );
}

for (const activation of ['tanh', 'relu'] as const) {
  const title = `with ${activation} the gradient of Omega is that of eq. 9, states and gradients held, in plain loops`;
  onBackends(['native', 'wasm', 'cpu'], title, () => {
    for (const time of [2, 3, 8]) {
      const given = givenOver(time);
      const wanted = plainGradient(given, activation);
      assertClose(
        freed(() => omegaAlone(given, activation)),
        wanted,
        1e-5,
        `${time} times`,
      );
    }
  });
}

onBackends(['native', 'wasm', 'cpu'], 'Omega is the same however short gradients are, down to none at all', () => {
  freed(() => {
    // Of entries around 1e-30 every square is 0.
    assertClose(omegaAlone(givenOver(6, 2 ** -100), 'tanh'), omegaAlone(givenOver(6), 'tanh'), 1e-5, 'vanishing');
    const nothing = read(tf.zeros([WIDTH, WIDTH]));
    assertClose(omegaAlone(givenOver(6, 0), 'tanh'), nothing, 0, 'no gradient');
    assertClose(omegaAlone(givenOver(1), 'tanh'), nothing, 0, 'one time');
  });
});

test('Omega changes the gradient by U alone, by its factor', () => {
  freed(() => {
    const given = givenOver(5);
    const [without, with2] = [gradients(given, 'tanh'), gradients(given, 'tanh', 2)];
    assert.deepEqual(read(with2.a), read(without.a));
    const once = tf.tensor(omegaAlone(given, 'tanh').values, [WIDTH, WIDTH]);
    assertClose(omegaAlone(given, 'tanh', 2), read(once.mul(2)), 1e-6, 'twice');
  });
});
