/** What strategies without a history promise of norms and directions, beyond agreeing with references (golden_clip.test.ts). */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import type { HostTensor, HostTensors, Options } from '../src/types.ts';
import { clip, entries, FINE, forAll, list, one } from './support/clip.ts';
import { changed, gradients, pinned, thresholds } from './support/gradients.ts';
import { assertNear, bitsOf, hostTensor, normOf } from './support/host.ts';

before(() => loadBackend());

const normsBy = (scope: string, grads: HostTensors) =>
  scope === 'global' ? [normOf(...list(grads))] : list(grads).map((g) => normOf(g));

/** Every entry of `out` is the entry of `grads` times one factor for each of these norms. */
function assertScaled(scope: string, out: HostTensors, grads: HostTensors, least = 0, most = 1): void {
  const [after, norms] = [normsBy(scope, out), normsBy(scope, grads)];
  list(grads).forEach((g, k) => {
    const at = scope === 'global' ? 0 : k;
    const norm = norms[at] ?? 0;
    const factor = norm === 0 ? least : (after[at] ?? 0) / norm;
    assert.ok(factor >= least / FINE && factor <= most * FINE, `a factor of ${factor}`);
    g.values.forEach((x, i) => {
      assertNear(list(out)[k]?.values[i], factor * x, 1e-6 * Math.abs(factor * x));
    });
  });
}

const softNorms: [scope: string, fn: string][] = [
  ['global', 'ratio'],
  ['tensor', 'ratio'],
  ['global', 'sqrt'],
  ['tensor', 'sqrt'],
];
for (const [scope, fn] of softNorms) {
  test(`soft_norm ${scope} ${fn}: one factor, between the hard clip's and its half (ratio) or 0.71 of it (sqrt)`, () =>
    forAll((grads, max_norm) => {
      const { out } = clip('soft_norm', { max_norm, scope, fn }, grads);
      assertScaled(scope, out, grads);
      const after = normsBy(scope, out);
      normsBy(scope, grads).forEach((norm, k) => {
        const hard = Math.min(norm, max_norm);
        const got = after[k] ?? Number.NaN;
        assert.ok(got <= hard * FINE && got * FINE >= hard * (fn === 'ratio' ? 0.5 : Math.SQRT1_2), `${norm}: ${got}`);
        const wanted = fn === 'ratio' ? 1 / (1 / max_norm + 1 / norm) : 1 / Math.hypot(1 / max_norm, 1 / norm);
        assertNear(got, wanted, 1e-6 * wanted);
      });
    }));
}

test('block_rms: a root mean square of at most max_rms, by one factor, and clipping again changes roundings only', () =>
  forAll((grads, max_rms) => {
    const { out, fraction } = clip('block_rms', { max_rms }, grads);
    assertScaled('tensor', out, grads);
    const rms = (g: HostTensor) => normOf(g) / Math.sqrt(g.values.length);
    for (const g of list(out)) assert.ok(rms(g) <= max_rms * FINE);
    assert.equal(fraction, Math.fround(list(grads).filter((g) => rms(g) > max_rms).length / list(grads).length));
    const { out: again } = clip('block_rms', { max_rms }, out);
    for (const [i, x] of entries(out).entries()) assertNear(entries(again)[i], x, 4e-7 * Math.abs(x));
  }));

test('block_rms of one tensor is norm with the bound times the root of its size', () =>
  forAll(({ g0 = hostTensor([], [1]) }, max_rms) => {
    const { out } = clip('block_rms', { max_rms }, { g0 });
    const other = clip('norm', { max_norm: max_rms * Math.sqrt(g0.values.length) }, { g0 }).out;
    for (const [i, x] of entries(other).entries()) assertNear(entries(out)[i], x, 4e-7 * Math.abs(x));
  }));

/** In double; relative to the largest entry, so that no power leaves its range. */
function pNorm(grads: HostTensors, p: number): number {
  const sizes = entries(grads).map(Math.abs);
  const largest = Math.max(...sizes);
  if (largest === 0 || p === Number.POSITIVE_INFINITY) return largest;
  return largest * sizes.reduce((sum, x) => sum + (x / largest) ** p, 0) ** (1 / p);
}

// Powers go by exp and log, which leave some roundings more.
const powers: [p: number | 'inf', bound: number][] = [
  [1, 1e-6],
  [1.5, 2e-5],
  [2, 1e-6],
  [3, 2e-5],
  ['inf', 1e-6],
];
for (const [p, bound] of powers) {
  test(`global_norm p ${p}: one factor, min(1, max_norm / norm), also where powers overflow or vanish`, () =>
    fc.assert(
      fc.property(gradients, thresholds, fc.constantFrom(1, 1e-20, 1e28), (ordinary, ratio, scale) => {
        const grads = changed(ordinary, (x) => scale * x);
        const norm = pNorm(grads, Number(p === 'inf' ? Number.POSITIVE_INFINITY : p));
        const max_norm = Math.fround(norm === 0 ? 1 : norm * ratio);
        const { out, fraction } = clip('global_norm', { max_norm, p }, grads);
        const factor = norm === 0 ? 1 : Math.min(1, max_norm / norm);
        if (ratio !== 1) assert.equal(fraction, factor < 1 ? 1 : 0);
        for (const [i, x] of entries(grads).entries())
          assertNear(entries(out)[i], factor * x, bound * Math.abs(factor * x));
      }),
      { ...pinned, numRuns: 60 },
    ));
}

/** The same entries in another order and in vectors, and that order undone. */
const shuffled = (grads: HostTensors): HostTensors =>
  Object.fromEntries(
    Object.entries(grads).map(([name, { values }]) => [name, hostTensor([values.length], values.slice().reverse())]),
  );
const byNorm: [name: string, option: string, others: Options][] = [
  ['norm', 'max_norm', {}],
  ['global_norm', 'max_norm', {}],
  ['block_rms', 'max_rms', {}],
  ['delta_norm', 'gamma', { delta: 0.25 }],
  ['normalized', 'scale', {}],
  ...softNorms.map(([scope, fn]): [string, string, Options] => ['soft_norm', 'max_norm', { scope, fn }]),
];
for (const [name, option, others] of byNorm) {
  test(`${name} ${Object.values(others)}: where in its tensor an entry stands, and in which shape, is irrelevant`, () =>
    forAll((grads, threshold) => {
      const options = { ...others, [option]: threshold };
      const wanted = entries(clip(name, options, grads).out);
      const got = entries(shuffled(clip(name, options, shuffled(grads)).out));
      for (const [i, x] of wanted.entries()) assertNear(got[i], x, 4e-7 * Math.abs(x));
    }));
}

for (const scope of ['global', 'tensor']) {
  test(`normalized ${scope}: the norm is the scale, the direction stays, and zeros stay zeros`, () =>
    forAll((grads, scale) => {
      const { out } = clip('normalized', { scale, scope }, grads);
      assertScaled(scope, out, grads, 0, Number.POSITIVE_INFINITY);
      normsBy(scope, grads).forEach((norm, k) => {
        assertNear(normsBy(scope, out)[k], norm === 0 ? 0 : scale, 1e-6 * scale);
      });
    }));
}

test('normalized: a gradient that vanishes or overflows has the direction that it has', () => {
  for (const size of [1e-35, 1e-25, 1e25, 5e37]) {
    const { out } = clip('normalized', {}, one(3 * size, -4 * size));
    assertNear(out.g?.values[0], 0.6, 1e-6);
    assertNear(out.g?.values[1], -0.8, 1e-6);
  }
});

test('delta_norm: one factor, min(1, max(delta, gamma / norm)); with delta 0 it is global_norm, bit for bit', () =>
  fc.assert(
    fc.property(gradients, thresholds, fc.constantFrom(0, 1e-3, 0.3, 1), (grads, gamma, delta) => {
      const { out, fraction } = clip('delta_norm', { gamma, delta }, grads);
      const [norm = 0] = normsBy('global', grads);
      const factor = norm === 0 ? 1 : Math.min(1, Math.max(delta, gamma / norm));
      assertScaled('global', out, grads, factor / FINE, factor * FINE);
      assert.equal(fraction, norm > gamma ? 1 : 0);
      const hard = clip('global_norm', { max_norm: gamma, semantics: 'safe' }, grads).out;
      if (delta === 0) assert.deepEqual(bitsOf(out), bitsOf(hard));
    }),
    { ...pinned, numRuns: 60 },
  ));

const byThreshold: [name: string, option: string, others: Options][] = [
  ...softNorms.map(([scope, fn]): [string, string, Options] => ['soft_norm', 'max_norm', { scope, fn }]),
  ['block_rms', 'max_rms', {}],
  ['delta_norm', 'gamma', { delta: 0.25 }],
  ...['tanh', 'arctan', 'algebraic', 'sqrt', 'erf'].map((fn): [string, string, Options] => [
    'soft_value',
    'clip_value',
    { fn },
  ]),
];
for (const [name, option, others] of byThreshold) {
  // Powers of two, so that no rounding is in the way.
  test(`${name} ${Object.values(others)}: clipping k g at c is k times clipping g at c/k, bit for bit`, () =>
    fc.assert(
      fc.property(gradients, thresholds, fc.integer({ min: -10, max: 10 }), (grads, c, exponent) => {
        const [k, threshold] = [2 ** exponent, Math.fround(c)];
        const larger = changed(grads, (x) => k * x);
        const { out } = clip(name, { ...others, [option]: threshold / k }, grads);
        const scaled = clip(name, { ...others, [option]: threshold }, larger).out;
        assert.deepEqual(bitsOf(scaled), bitsOf(changed(out, (x) => k * x)));
      }),
      { ...pinned, numRuns: 60 },
    ));
}

/** Strategies whose norms are safe, where a gradient is so large that its squares overflow. */
const safe: [name: string, options: Options][] = [
  ['agc', { clipping: 0.01 }],
  ['block_rms', {}],
  ['cautious', {}],
  ['centralize', {}],
  ['delta_norm', {}],
  ['larc', {}],
  ['normalized', {}],
  ['sign', {}],
  ['sign', { scaled: true }],
  ['soft_norm', { max_norm: 1 }],
  ['soft_value', { clip_value: 1 }],
  ['trust_ratio', {}],
];
for (const [name, options] of safe) {
  const title = [name, ...Object.keys(options)].join(' ');
  const params = { a: hostTensor([2, 2], [1, 2, 3, 4]), b: hostTensor([3], [0.5, 0, 1]) };

  test(`${title}: zeros stay zeros`, () => {
    const zeros = changed(params, () => 0);
    assert.deepEqual(clip(name, options, zeros, { params }), { out: zeros, fraction: 0 });
  });

  test(`${title}: where squares overflow or vanish, the answer is finite and not 0`, () => {
    for (const size of [1e30, 1e-30]) {
      const grads = changed(params, (x) => size * (x * x - 2));
      const { out } = clip(name, options, grads, { params });
      for (const [i, x] of entries(grads).entries()) {
        const got = entries(out)[i] ?? Number.NaN;
        assert.ok(Number.isFinite(got), `entry ${i}: ${got}`);
        if (name !== 'centralize') assert.equal(Math.sign(got), Math.sign(x), `entry ${i}`);
      }
    }
  });

  test(`${title}: NaN and infinite entries are never hidden behind finite ones in a norm`, () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const grads = { a: hostTensor([2, 2], [1, odd, 2, 3]), b: hostTensor([3], [1, 1, 1]) };
      const { out } = clip(name, options, grads, { params });
      const got = out.a?.values[1];
      // A bound on entries or their signs is all that makes something finite of Infinity.
      const isBounded = title === 'sign' || name === 'soft_value';
      if (Number.isNaN(odd) || !isBounded) assert.equal(Number.isFinite(got), false, `${odd}`);
    }
  });
}
