import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { stream } from '../src/engine/random.ts';
import { assertNear } from './support/host.ts';

const draw = (count: number, next: () => number) => Float64Array.from({ length: count }, next);
const sha256 = (values: Float64Array) => createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');

// Made with this code on Node 20, as sha256 over little-endian doubles; the uniforms, the permutation
// and (to 1e-15) the normals were computed a second time in Python, from a description of Alea. Another hash means other starts and batches: every recorded result is void.
test('the first 1,000 numbers of a stream are those they always were', () => {
  const golden = () => stream('golden', 1);
  const uniforms = '80f27b8d3960771ee5af39e41ef45cae76f8e9fa92ab8ce5a06d66b87eac28c1';
  assert.equal(sha256(draw(1000, golden().uniform)), uniforms);
  const normals = 'bf3d0d6a5e151406d202be1fc9eca3fe2b80b8d0a46a8e3619be9b3ce771c944';
  assert.equal(sha256(draw(1000, golden().normal)), normals);
  const [first, second] = draw(2, golden().normal);
  assertNear(first, 0.190498531241636, 1e-14);
  assertNear(second, 0.61164041962075, 1e-14);
  assert.deepEqual([...golden().permutation(100).slice(0, 10)], [79, 47, 88, 97, 69, 40, 11, 52, 46, 29]);
});

test('one stream tells the same numbers whenever it is made, and is not disturbed by another', () => {
  const [one, two] = [stream('a', 1), stream('a', 1)];
  const first = draw(100, one.normal);
  draw(7, stream('b').uniform);
  assert.deepEqual(draw(100, two.normal), first);
});

test('streams with different names differ in every one of their first numbers', () => {
  const names: unknown[][] = [
    ['init', 0, 'w', [2, 3]],
    ['init', 0, 'w2', [3]],
    ['init', 0, 'w', [2], 3],
    ['init', 0, 'w', [6]],
    ['init', 0, 'w', [3, 2]],
    ['init', 0, 'w', []],
    ['init', 1, 'w', [2, 3]],
    ['init', '0', 'w', [2, 3]],
    ['init', 0, 'w,[2', 3],
    ['data', 0, { name: 'mnist', options: {} }],
    ['data', 1, { name: 'mnist', options: {} }],
    ['data', 0, { name: 'adding', options: { length: 20 } }],
    ['data', 0, { name: 'adding', options: { length: 21 } }],
    ['data'],
    [['data']],
    [],
  ];
  const firsts = names.map((name) => draw(20, stream(...name).uniform));
  firsts.forEach((values, i) => {
    for (const others of firsts.slice(i + 1))
      assert.equal(
        values.some((value, k) => value === others[k]),
        false,
      );
  });
});

test('the order in which options are written is no part of a name', () => {
  const [one, other] = [
    { length: 20, marks: 2 },
    { marks: 2, length: 20 },
  ].map((options) => stream('data', options));
  assert.equal(one?.uniform(), other?.uniform());
});

test('a permutation holds every number once', () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.string(), (n, name) => {
      const order = stream(name).permutation(n);
      assert.deepEqual(
        order.toSorted(),
        Uint32Array.from({ length: n }, (_, i) => i),
      );
    }),
  ));

test('permutations are equally likely', () => {
  const { permutation } = stream('permutations');
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const key = permutation(3).join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  // 1,000 expected of each of six, with a standard deviation of 29.
  assert.equal(counts.size, 6);
  for (const count of counts.values()) assertNear(count, 1000, 5 * 29);
});

// The bounds are five standard errors at 100,000 numbers.
test('uniforms fill [0, 1) evenly', () => {
  const values = draw(100_000, stream('uniforms').uniform);
  assert.equal(
    values.every((value) => value >= 0 && value < 1),
    true,
  );
  const { mean, variance } = moments(values);
  assertNear(mean, 0.5, 0.0046, 'mean');
  assertNear(variance, 1 / 12, 0.0012, 'variance');
});

test('normals have mean 0, variance 1 and the tails of a normal distribution, and neighbours are independent', () => {
  const values = draw(100_000, stream('normals').normal);
  const { mean, variance } = moments(values);
  assertNear(mean, 0, 0.016, 'mean');
  assertNear(variance, 1, 0.023, 'variance');
  const beyond = values.filter((value) => Math.abs(value) > 2).length / values.length;
  assertNear(beyond, 0.0455, 0.0033, 'beyond 2');
  const pairs = values.slice(1).map((value, i) => value * (values[i] ?? Number.NaN));
  assertNear(moments(pairs).mean, 0, 0.016);
});

function moments(values: Float64Array): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}
