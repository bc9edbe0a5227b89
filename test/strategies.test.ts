import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import { parts } from '../src/parts.ts';
import { global_norm } from '../src/strategies/global_norm.ts';
import { none } from '../src/strategies/none.ts';
import { norm } from '../src/strategies/norm.ts';
import { value } from '../src/strategies/value.ts';
import type { HostTensor, HostTensors, Options, TransformPart } from '../src/types.ts';
import { describesItself, transformConforms } from './support/conformance.ts';
import { changed, gradients, pinned, thresholds } from './support/gradients.ts';
import { assertNear, bitsOf, freed, hostTensor, normOf, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const { strategies } = parts;

before(() => loadBackend());

for (const part of strategies) {
  describesItself(part, 'strategies', strategies);
  transformConforms(part);
  test(`${part.name}: says what its clipped fraction counts, and what it costs`, () => {
    assert.notEqual(part.scope, undefined);
    assert.notEqual(part.cost, undefined);
  });
}

/** What comes out, and the share that was touched (undefined where the strategy doesn't say). */
function clip(part: TransformPart, options: Options, grads: HostTensors) {
  return freed(() => {
    const { grads: out, info } = transform(part, options).update(toTensors(grads));
    return { out: toHost(out), fraction: info?.clipped_fraction?.dataSync()[0] };
  });
}

/** A strategy with its options, for a threshold. */
type At = (threshold: number) => [TransformPart, Options];
const valueAt: At = (clip_value) => [value, { clip_value, semantics: 'safe' }];
const normAt: At = (max_norm) => [norm, { max_norm, semantics: 'safe' }];
const globalNormAt: At = (max_norm) => [global_norm, { max_norm, semantics: 'safe' }];
const noneAt: At = () => [none, {}];
const byNorm: [string, At][] = [
  ['norm', normAt],
  ['norm (tf)', (max_norm) => [norm, { max_norm, semantics: 'tf' }]],
  ['global_norm', globalNormAt],
  ['global_norm (tf)', (max_norm) => [global_norm, { max_norm, semantics: 'tf' }]],
];
const all: [string, At][] = [['value', valueAt], ...byNorm];

/** The vectors whose norm a strategy bounds: every tensor, or all of them as one. */
function bounded(part: TransformPart, grads: HostTensors): HostTensor[] {
  const list = Object.values(grads);
  return part.scope === 'tensor'
    ? list
    : [
        hostTensor(
          [],
          list.flatMap(({ values }) => [...values]),
        ),
      ];
}

for (const [title, at] of byNorm) {
  test(`${title}: the norm afterwards is at most the threshold, to four float32 roundings`, () =>
    fc.assert(
      fc.property(gradients, thresholds, (grads, c) => {
        const { out } = clip(...at(c), grads);
        for (const vector of bounded(at(c)[0], out))
          assert.ok(normOf(vector) <= c * (1 + 4e-7), `${normOf(vector)} > ${c}`);
      }),
      pinned,
    ));

  test(`${title}: the direction stays`, () =>
    fc.assert(
      fc.property(gradients, thresholds, (grads, c) => {
        const [part] = at(c);
        const after = bounded(part, clip(...at(c), grads).out);
        bounded(part, grads).forEach((g, k) => {
          const out = after[k] ?? hostTensor([], []);
          const factor = normOf(g) === 0 ? 1 : normOf(out) / normOf(g);
          assert.ok(factor <= 1 + 4e-7, `longer by ${factor}`);
          g.values.forEach((x, i) => {
            assertNear(out.values[i], factor * x, 4e-7 * Math.abs(factor * x));
          });
        });
      }),
      pinned,
    ));

  test(`${title}: clipping again changes nothing but roundings`, () =>
    fc.assert(
      fc.property(gradients, thresholds, (grads, c) => {
        const once = clip(...at(c), grads).out;
        const twice = clip(...at(c), once).out;
        for (const [name, { values }] of Object.entries(once)) {
          values.forEach((x, i) => {
            assertNear(twice[name]?.values[i], x, 4e-7 * Math.abs(x));
          });
        }
      }),
      pinned,
    ));
}

for (const [title, at] of all) {
  // Powers of two, so that no rounding is in the way.
  test(`${title}: clipping k g at c is k times clipping g at c/k, bit for bit`, () =>
    fc.assert(
      fc.property(gradients, thresholds, fc.integer({ min: -10, max: 10 }), (grads, c, exponent) => {
        const k = 2 ** exponent;
        const scaled = clip(
          ...at(Math.fround(c)),
          changed(grads, (x) => k * x),
        ).out;
        const { out } = clip(...at(Math.fround(c) / k), grads);
        assert.deepEqual(bitsOf(scaled), bitsOf(changed(out, (x) => k * x)));
      }),
      pinned,
    ));

  test(`${title}: zeros stay zeros`, () => {
    const zeros = { a: hostTensor([2, 2], [0, 0, 0, 0]), b: hostTensor([], [0]) };
    assert.deepEqual(bitsOf(clip(...at(0.5), zeros).out), bitsOf(zeros));
  });
}

for (const at of [valueAt, normAt, globalNormAt]) {
  test(`${at(1)[0].name}: a threshold that nothing exceeds changes no bit`, () =>
    fc.assert(
      fc.property(gradients, fc.constantFrom(1e9, 3e38, Number.POSITIVE_INFINITY), (grads, c) => {
        const { out, fraction } = clip(...at(c), grads);
        assert.deepEqual(bitsOf(out), bitsOf(grads));
        assert.equal(fraction, 0);
      }),
      pinned,
    ));
}

test('none changes no bit, not even of what is not finite', () =>
  fc.assert(
    fc.property(gradients, (grads) => {
      const odd = {
        ...grads,
        odd: hostTensor([5], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e38]),
      };
      assert.deepEqual(bitsOf(clip(...noneAt(1), odd).out), bitsOf(odd));
    }),
    pinned,
  ));

test('value: no entry is larger than the threshold, smaller ones and signs stay, and clipping again changes no bit', () =>
  fc.assert(
    fc.property(gradients, thresholds, (grads, threshold) => {
      const c = Math.fround(threshold);
      const { out } = clip(...valueAt(c), grads);
      const wanted = changed(grads, (x) => (Math.abs(x) > c ? Math.sign(x) * c : x));
      assert.deepEqual(bitsOf(out), bitsOf(wanted));
      assert.deepEqual(bitsOf(clip(...valueAt(c), out).out), bitsOf(out));
    }),
    pinned,
  ));

test('value: the order of the tensors is irrelevant', () =>
  fc.assert(
    fc.property(gradients, thresholds, (grads, c) => {
      const reversed = Object.fromEntries(Object.entries(grads).reverse());
      assert.deepEqual(bitsOf(clip(...valueAt(c), reversed).out), bitsOf(clip(...valueAt(c), grads).out));
    }),
    pinned,
  ));

test('global_norm of one tensor is norm, bit for bit', () =>
  fc.assert(
    fc.property(gradients, thresholds, ({ g0 = hostTensor([], [1]) }, c) => {
      const [one, other] = [normAt, globalNormAt].map((at) => clip(...at(c), { g0 }).out);
      assert.deepEqual(bitsOf(one ?? {}), bitsOf(other ?? {}));
    }),
    pinned,
  ));

test('norm clips a tensor to the same bits beside one whose squares overflow and one of zeros', () =>
  fc.assert(
    fc.property(gradients, thresholds, ({ g0 = hostTensor([], [1]) }, c) => {
      const others = { huge: hostTensor([2], [3e30, -4e30]), zeros: hostTensor([3], [0, 0, 0]) };
      const [alone, beside] = [{ g0 }, { g0, ...others }].map((grads) => clip(...normAt(c), grads).out.g0);
      assert.deepEqual(bitsOf(beside ? { g0: beside } : {}), bitsOf(alone ? { g0: alone } : {}));
    }),
    pinned,
  ));

for (const at of [normAt, globalNormAt]) {
  const [{ name }] = at(1);
  test(`${name}: where squares overflow the answer is finite and keeps its direction`, () => {
    const huge = { a: hostTensor([2], [3e30, -4e30]), b: hostTensor([2, 1], [1e-3, 2]) };
    for (const c of [1e-3, 1, 1e20]) {
      const { out } = clip(...at(c), huge);
      [0.6, -0.8].forEach((share, i) => {
        assertNear(out.a?.values[i], share * c, 4e-7 * c);
      });
      assert.equal(out.b?.values.every(Number.isFinite), true);
    }
  });

  test(`${name}: where squares underflow the norm is still known`, () => {
    const tiny = { a: hostTensor([2], [3e-30, -4e-30]), b: hostTensor([1], [0]) };
    assert.deepEqual(bitsOf(clip(...at(1e-20), tiny).out), bitsOf(tiny));
    const { values } = clip(...at(1e-30), tiny).out.a ?? hostTensor([], []);
    assertNear(values[0], 6e-31, 6e-37);
    assertNear(values[1], -8e-31, 8e-37);
  });
}

for (const [title, at] of [['none', noneAt] as const, ...all]) {
  test(`${title}: NaN stays NaN wherever it is`, () =>
    fc.assert(
      fc.property(gradients, fc.nat(), (grads, index) => {
        const { g0 = hostTensor([], [1]), ...others } = grads;
        const values = g0.values.slice();
        const place = index % values.length;
        values[place] = Number.NaN;
        const { out } = clip(...at(0.5), { g0: hostTensor(g0.shape, values), ...others });
        assert.equal(out.g0?.values[place], Number.NaN);
      }),
      { ...pinned, numRuns: 30 },
    ));
}

test('value: an infinite entry becomes the bound', () => {
  const { out, fraction } = clip(...valueAt(0.5), {
    g: hostTensor([4], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.25, 1]),
  });
  assert.deepEqual([...(out.g?.values ?? [])], [0.5, -0.5, 0.25, 0.5]);
  assert.equal(fraction, 0.75);
});

test('the clipped fraction counts entries, tensors or steps, by the scope', () => {
  const grads = {
    a: hostTensor([3], [3, -4, 0]),
    b: hostTensor([1], [1]),
    c: hostTensor([1, 1], [-2]),
    d: hostTensor([], [0.5]),
  };
  const fractionAt = (at: At, c: number) => clip(...at(c), grads).fraction;
  // Entries above 1: 3, -4 and -2 of six. At its own value an entry isn't clipped.
  assert.equal(fractionAt(valueAt, 1), 0.5);
  assert.equal(fractionAt(valueAt, 4), 0);
  // Norms are 5, 1, 2 and 0.5.
  assert.equal(fractionAt(normAt, 1), 0.5);
  assert.equal(fractionAt(normAt, 5), 0);
  assert.equal(fractionAt(normAt, 0.25), 1);
  assert.equal(fractionAt(globalNormAt, 5), 1);
  assert.equal(fractionAt(globalNormAt, 6), 0);
  assert.equal(clip(...noneAt(1), grads).fraction, undefined);
});

test('as other systems have it, touched is what they changed: also by eps, by a given norm, and by an average norm', () => {
  const grads = { a: hostTensor([2], [3e-3, -4e-3]), b: hostTensor([1], [0]) };
  const fractionOf = (part: TransformPart, options: Options) => clip(part, options, grads).fraction;
  // The norm is 5e-3: lasagne and torch divide by a little more.
  assert.equal(fractionOf(global_norm, { max_norm: 1, semantics: 'lasagne' }), 1);
  assert.equal(fractionOf(global_norm, { max_norm: 5e-3, semantics: 'torch' }), 1);
  assert.equal(fractionOf(global_norm, { max_norm: 5e-3 }), 0);
  assert.equal(fractionOf(global_norm, { max_norm: 0, semantics: 'keras' }), 0);
  for (const semantics of ['safe', 'tf']) {
    assert.equal(fractionOf(global_norm, { max_norm: 1, use_norm: 2, semantics }), 1);
    assert.equal(fractionOf(global_norm, { max_norm: 1, use_norm: 0.5, semantics }), 0);
  }
  assert.equal(fractionOf(norm, { max_norm: 2e-3, semantics: 'tf' }), 0.5);
  // Over two entries the average norm is 2.5e-3.
  assert.equal(fractionOf(norm, { max_norm: 3e-3, semantics: 'tf_average' }), 0);
});

test('safe norms shorten right up to the edge of float32, where norm and factor leave its range', () => {
  const huge = {
    a: { shape: [2], values: Float32Array.of(3e38, -3e38) },
    b: { shape: [1], values: Float32Array.of(2e38) },
  };
  for (const part of [norm, global_norm]) {
    const clipped = clip(part, { max_norm: 1e-3 }, huge).out;
    const total = Math.sqrt(Object.values(clipped).reduce((sum, each) => sum + normOf(each) ** 2, 0));
    const expected = part === norm ? Math.sqrt(2) * 1e-3 : 1e-3;
    assert.ok(Math.abs(total / expected - 1) < 1e-6, `${part.name}: ${total}`);
  }
});
