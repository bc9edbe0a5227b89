/** What holds for strategies on gradients of single examples: sensitivity, noise, and what is counted. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import { withFactors } from '../src/outer.ts';
import { dp_automatic } from '../src/strategies/dp_automatic.ts';
import { dp_per_tensor } from '../src/strategies/dp_per_tensor.ts';
import { dp_quantile } from '../src/strategies/dp_quantile.ts';
import { dp_sgd } from '../src/strategies/dp_sgd.ts';
import type { HostTensors, Options, TransformPart } from '../src/types.ts';
import { pinned as always, changed, gradients, thresholds } from './support/gradients.ts';
import { assertClose, assertNear, bitsOf, freed, hostTensor, normOf, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

before(() => loadBackend());

function clip(part: TransformPart, options: Options, grads: HostTensors, step = 0) {
  return freed(() => {
    const { grads: mean, info = {} } = transform(part, options).update(toTensors(grads), { step });
    return { mean: toHost(mean), fraction: info.clipped_fraction?.dataSync()[0] };
  });
}

/** There are many strategies, and each takes several updates. */
const pinned = { ...always, numRuns: 40 };

/** A strategy with its options, for a bound on one example. */
type At = (bound: number) => [TransformPart, Options];
const all: [string, At][] = [
  ['dp_sgd', (max_norm) => [dp_sgd, { max_norm }]],
  ...(['tf', 'optax', 'opacus'] as const).map((semantics): [string, At] => [
    `dp_sgd (${semantics})`,
    (max_norm) => [dp_sgd, { max_norm, semantics }],
  ]),
  ...(['uniform', 'by_size'] as const).map((split): [string, At] => [
    `dp_per_tensor (${split})`,
    (max_norm) => [dp_per_tensor, { max_norm, split }],
  ]),
  ...(['auto', 'psac', 'drop'] as const).map((rule): [string, At] => [
    `dp_automatic (${rule})`,
    (max_norm) => [dp_automatic, { max_norm, rule }],
  ]),
  ['dp_automatic (AUTO-V)', (max_norm) => [dp_automatic, { max_norm, rule: 'auto', gamma: 0 }]],
  ['dp_quantile', (initial_norm) => [dp_quantile, { initial_norm }]],
];

/** One to five examples; of a gradient each has another part, in another size. */
const examples = fc
  .tuple(gradients, fc.array(fc.constantFrom(0, 1e-3, 0.1, 1, 1, 30), { minLength: 1, maxLength: 5 }))
  .map(
    ([grads, sizes]): HostTensors =>
      Object.fromEntries(
        Object.entries(grads).map(([name, { shape, values }]) => [
          name,
          hostTensor(
            [sizes.length, ...shape],
            sizes.flatMap((size, i) => Array.from(values, (_, j) => size * (values[(i + j) % values.length] ?? 0))),
          ),
        ]),
      ),
  );

const countOf = (grads: HostTensors) => Object.values(grads)[0]?.shape[0] ?? 0;

/** One example of each tensor, written over. */
function replaced(grads: HostTensors, index: number, f: (value: number) => number): HostTensors {
  return Object.fromEntries(
    Object.entries(grads).map(([name, { shape, values }]) => {
      const size = values.length / (shape[0] ?? 1);
      const isOwn = (i: number) => Math.floor(i / size) === index;
      return [
        name,
        hostTensor(
          shape,
          values.map((value, i) => (isOwn(i) ? f(value) : value)),
        ),
      ];
    }),
  );
}

const distance = (a: HostTensors, b: HostTensors) =>
  normOf(
    ...Object.entries(a).map(([name, { shape, values }]) =>
      hostTensor(
        shape,
        values.map((value, i) => value - (b[name]?.values[i] ?? Number.NaN)),
      ),
    ),
  );

for (const [title, at] of all) {
  test(`${title}: one example moves the sum by the bound at most when it is left out, by twice that when replaced`, () =>
    fc.assert(
      fc.property(examples, thresholds, fc.nat(), (grads, c, seed) => {
        const count = countOf(grads);
        const index = seed % count;
        const { mean } = clip(...at(c), grads);
        const moved = (f: (value: number) => number) =>
          count * distance(mean, clip(...at(c), replaced(grads, index, f)).mean);
        // To the roundings of the sum, which is `count` times the bound at most.
        const allowed = c * (1 + 1e-6 * count);
        assert.ok(moved(() => 0) <= allowed, `left out: ${moved(() => 0)} > ${c}`);
        assert.ok(moved((x) => -7 * x) <= 2 * allowed, `replaced: ${moved((x) => -7 * x)} > 2 * ${c}`);
      }),
      pinned,
    ));

  test(`${title}: zeros stay zeros, and are not counted`, () => {
    const zeros = { a: hostTensor([2, 3], [0, 0, 0, 0, 0, 0]), b: hostTensor([2], [0, 0]) };
    const { mean, fraction } = clip(...at(0.5), zeros);
    assert.deepEqual(
      Object.values(mean).flatMap(({ values }) => [...values]),
      [0, 0, 0, 0],
    );
    assert.equal(fraction, 0);
  });

  test(`${title}: an example that is NaN is not hidden`, () => {
    const odd = { a: hostTensor([2, 2], [1, Number.NaN, 1, 2]), b: hostTensor([2], [1, 1]) };
    assert.equal(clip(...at(0.5), odd).mean.a?.values[1], Number.NaN);
  });

  test(`${title}: noise has the deviation that it should, is new at each step, and the same when repeated`, () => {
    const [part, options] = at(0.4);
    const zeros = { a: hostTensor([4, 100, 100], new Float32Array(40_000)), b: hostTensor([4], [0, 0, 0, 0]) };
    const noisy = (step: number) => clip(part, { ...options, noise_multiplier: 2 }, zeros, step).mean.a?.values ?? [];
    const [first, again, next] = [noisy(0), noisy(0), noisy(1)];
    assert.deepEqual(first, again);
    const deviation = (values: Iterable<number>) => {
      const list = [...values];
      const average = list.reduce((sum, x) => sum + x, 0) / list.length;
      return { average, deviation: Math.sqrt(list.reduce((sum, x) => sum + (x - average) ** 2, 0) / list.length) };
    };
    const wanted = (2 * 0.4) / 4;
    // Of 10,000 numbers: about four standard errors each.
    for (const values of [first, next]) {
      const got = deviation(values);
      assertNear(got.deviation, wanted, 0.03 * wanted);
      assertNear(got.average, 0, 0.04 * wanted);
    }
    const together = deviation(Array.from(first, (x, i) => x + (next[i] ?? 0)));
    assertNear(together.deviation, Math.SQRT2 * wanted, 0.03 * Math.SQRT2 * wanted, 'two steps are independent');
  });
}

for (const [title, at] of all.filter(([name]) => !/auto|AUTO|psac/.test(name))) {
  test(`${title}: without a bound it is the mean of the gradients`, () =>
    fc.assert(
      fc.property(examples, (grads) => {
        const { mean, fraction } = clip(...at(1e12), grads);
        assert.equal(fraction, 0);
        for (const [name, { shape, values }] of Object.entries(grads)) {
          const [count = 1, ...rest] = shape;
          const size = values.length / count;
          const sum = Array.from({ length: size }, (_, j) => {
            let total = 0;
            for (let i = 0; i < count; i++) total += values[i * size + j] ?? 0;
            return total / count;
          });
          const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
          assert.deepEqual(mean[name]?.shape, rest);
          sum.forEach((x, j) => {
            assertNear(mean[name]?.values[j], x, 1e-6 * largest);
          });
        }
      }),
      pinned,
    ));
}

test('dp_sgd: clipping k g at c is k times clipping g at c/k, bit for bit', () =>
  fc.assert(
    fc.property(examples, thresholds, fc.integer({ min: -10, max: 10 }), (grads, c, exponent) => {
      const k = 2 ** exponent;
      const scaled = clip(
        dp_sgd,
        { max_norm: Math.fround(c) },
        changed(grads, (x) => k * x),
      ).mean;
      const { mean } = clip(dp_sgd, { max_norm: Math.fround(c) / k }, grads);
      assert.deepEqual(bitsOf(scaled), bitsOf(changed(mean, (x) => k * x)));
    }),
    pinned,
  ));

/** Of norms 5, 1 and 0.1. */
const three = { a: hostTensor([3, 2], [3, 0, 0, 1, 0.06, 0]), b: hostTensor([3], [4, 0, 0.08]) };

test('the clipped fraction counts examples, or tensors of examples', () => {
  const fractionOf = (part: TransformPart, options: Options) => Number(clip(part, options, three).fraction);
  assertNear(fractionOf(dp_sgd, { max_norm: 2 }), 1 / 3, 1e-7);
  assertNear(fractionOf(dp_sgd, { max_norm: 1 }), 1 / 3, 1e-7);
  assertNear(fractionOf(dp_sgd, { max_norm: 0.5 }), 2 / 3, 1e-7);
  assertNear(fractionOf(dp_quantile, { initial_norm: 0.5 }), 2 / 3, 1e-7);
  assertNear(fractionOf(dp_automatic, { max_norm: 2, rule: 'drop' }), 1 / 3, 1e-7);
  assertNear(fractionOf(dp_automatic, { max_norm: 1, rule: 'auto', gamma: 0 }), 2 / 3, 1e-7);
  // sqrt(2) for each of two tensors: 3 and 4 are longer.
  assertNear(fractionOf(dp_per_tensor, { max_norm: 2 }), 2 / 6, 1e-7);
});

test('dp_automatic: AUTO-V brings every example to the bound, AUTO-S and PSAC almost', () => {
  const lengthOf = (options: Options, norm: number) =>
    normOf(
      ...Object.values(
        clip(dp_automatic, { max_norm: 3, ...options }, { a: hostTensor([1, 2], [0.6 * norm, -0.8 * norm]) }).mean,
      ),
    );
  for (const norm of [1e-30, 1e-3, 1, 1e3, 1e30]) {
    assertNear(lengthOf({ rule: 'auto', gamma: 0 }, norm), 3, 3e-6);
    assertNear(lengthOf({ rule: 'auto', gamma: 0.01 }, norm), (3 * norm) / (norm + 0.01), 3e-6);
    assertNear(lengthOf({ rule: 'psac', r: 0.1 }, norm), (3 * norm) / (norm + 0.1 / (norm + 0.1)), 3e-6);
  }
});

test('where squares of some examples overflow or underflow, all are clipped right', () => {
  const sizes = [1e30, 1, 1e-30, 3e38, 1e-3];
  const grads = {
    a: hostTensor(
      [5, 2],
      sizes.flatMap((size) => [0.6 * size, 0]),
    ),
    b: hostTensor(
      [5],
      sizes.map((size) => -0.8 * size),
    ),
  };
  for (const c of [1e-25, 0.1, 1e20]) {
    const lengths = sizes.reduce((sum, size) => sum + Math.min(size, c), 0) / 5;
    const { mean, fraction } = clip(dp_sgd, { max_norm: c }, grads);
    assertNear(mean.a?.values[0], 0.6 * lengths, 1e-6 * lengths);
    assertNear(mean.b?.values[0], -0.8 * lengths, 1e-6 * lengths);
    assertNear(fraction, sizes.filter((size) => size > c).length / 5, 1e-7);
  }
});

test('a gradient that is known by its factors is clipped as it is without them', () => {
  const wide = (count: number, f: (i: number) => number) =>
    tf.tensor(
      Float32Array.from({ length: 4 * count }, (_, i) => f(i)),
      [4, count],
    );
  for (const size of [1e-30, 1e-10, 1, 1e17, 1e30]) {
    freed(() => {
      const left = wide(3, (i) => Math.sin(i + 1) * (i < 3 ? 0 : 1));
      const right = wide(5, (i) => size * Math.cos(i));
      const plain = { w: left.expandDims(2).mul(right.expandDims(1)), b: right.mul(2) };
      const known = { ...plain, w: withFactors(plain.w.clone(), { left, right }) };
      for (const [title, at] of all.filter(([name]) => !/\(tf|optax|opacus/.test(name))) {
        const [part, options] = at(0.7 * size);
        const [got, wanted] = [known, plain].map((grads) => toHost(transform(part, options).update(grads).grads));
        for (const name of ['w', 'b'])
          assertClose(
            got?.[name] ?? assert.fail(),
            wanted?.[name] ?? assert.fail(),
            2e-6,
            `${title}, ${size}, ${name}`,
          );
      }
    });
  }
});

/** The bound after so many steps, on norms that `normsAt` gives. */
function boundAfter(steps: number, options: Options, normsAt: (t: number) => number[]): number {
  return freed(() => {
    const { init, update } = transform(dp_quantile, options);
    let state = init({});
    for (let t = 0; t < steps; t++) {
      const norms = normsAt(t);
      ({ state } = update(toTensors({ a: hostTensor([norms.length], norms) }), { state, step: t }));
    }
    return Number(toHost(state).bound?.values[0]);
  });
}

test('dp_quantile: the bound goes to the quantile of the norms, from below and from above', () => {
  const normsAt = (t: number) => Array.from({ length: 20 }, (_, i) => Math.exp(Math.sin(20 * t + i)));
  const sorted = Array.from({ length: 50 }, (_, t) => normsAt(t))
    .flat()
    .sort((a, b) => a - b);
  for (const [quantile, initial_norm] of [
    [0.5, 0.1],
    [0.5, 10],
    [0.9, 0.1],
  ] as const) {
    const wanted = sorted[Math.floor(quantile * sorted.length)] ?? 0;
    const got = boundAfter(150, { quantile, initial_norm, threshold_rate: 0.2 }, normsAt);
    assert.ok(Math.abs(Math.log(got / wanted)) < 0.2, `${got}, expected about ${wanted}`);
  }
});

test('dp_quantile: the bound stays between its limits, and no NaN gets into it', () => {
  const large = () => [1e6, 1e6];
  assertNear(boundAfter(100, { largest_norm: 2 }, large), 2, 1e-6);
  assertNear(
    boundAfter(100, { smallest_norm: 0.05 }, () => [0, 0]),
    0.05,
    1e-7,
  );
  // NaN isn't within the bound: it counts as clipped.
  assertNear(
    boundAfter(1, { initial_norm: 1 }, () => [Number.NaN, 2]),
    Math.exp(0.1),
    1e-6,
  );
  assert.ok(boundAfter(50, { rule: 'arithmetic', initial_norm: 1 }, () => [0, 0]) >= 0);
});

test('dp_quantile: noise on the count leaves less of the privacy for the gradient', () => {
  const zeros = { a: hostTensor([2, 10_000], new Float32Array(20_000)) };
  const options = { initial_norm: 1, noise_multiplier: 1, count_noise: 1 };
  const { values } = clip(dp_quantile, options, zeros).mean.a ?? assert.fail();
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  // (1 - 1/4)^-1/2 on a sum of two.
  assertNear(deviation, 1 / Math.sqrt(0.75) / 2, 0.02);
  const checked = dp_quantile.options.safeParse({ noise_multiplier: 2, count_noise: 1 });
  assert.match(checked.error?.issues[0]?.message ?? '', /less than 2 count_noise/);
});
