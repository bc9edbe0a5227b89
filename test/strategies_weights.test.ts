/** What strategies promise that measure a gradient by the weights: agc, trust_ratio and larc. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import type { HostTensors } from '../src/types.ts';
import { clip, entries, FINE, forAll, list, one } from './support/clip.ts';
import { changed, gradients, pinned } from './support/gradients.ts';
import { assertNear, bitsOf, hostTensor, normOf } from './support/host.ts';

before(() => loadBackend());

/** Weights in the shapes of a gradient, none of them small. */
function weightsFor(grads: HostTensors): HostTensors {
  let i = 0;
  return changed(grads, () => 1.5 + Math.sin(i++));
}

/** The entries of each unit: what shares its index of the last axis, or of the first. */
function units(tensors: HostTensors, axis: string): number[][] {
  return list(tensors).flatMap(({ shape, values }) => {
    const count = shape.length < 2 ? 1 : ((axis === 'last' ? shape.at(-1) : shape[0]) ?? 1);
    const unitOf = (i: number) => (axis === 'last' ? i % count : Math.floor((i * count) / values.length));
    return Array.from({ length: count }, (_, unit) => [...values.filter((_, i) => unitOf(i) === unit)]);
  });
}
const unitNorms = (tensors: HostTensors, axis: string) =>
  units(tensors, axis).map((values) => normOf(hostTensor([values.length], values)));

for (const unit_axis of ['last', 'first']) {
  test(`agc ${unit_axis}: a unit's gradient is at most its share of the weights, in the same direction, or stays`, () =>
    forAll((grads, clipping) => {
      const params = weightsFor(grads);
      const { out, fraction } = clip('agc', { clipping, unit_axis }, grads, { params });
      const [before, after, weights] = [grads, out, params].map((tensors) => unitNorms(tensors, unit_axis));
      let touched = 0;
      before?.forEach((norm, u) => {
        const longest = clipping * (weights?.[u] ?? 0);
        const factor = norm > longest ? longest / norm : 1;
        if (factor < 1) touched++;
        assert.ok((after?.[u] ?? Number.NaN) <= longest * FINE);
        units(grads, unit_axis)[u]?.forEach((x, i) => {
          assertNear(units(out, unit_axis)[u]?.[i], factor * x, 1e-6 * Math.abs(factor * x));
        });
      });
      assert.equal(fraction, Math.fround(touched / (before?.length ?? 0)));
    }));
}

test('agc: gradients and weights k times as large give k times as much, bit for bit', () =>
  fc.assert(
    fc.property(gradients, fc.integer({ min: -5, max: 10 }), (grads, exponent) => {
      const [k, params] = [2 ** exponent, weightsFor(grads)];
      const times = (tensors: HostTensors) => changed(tensors, (x) => k * x);
      const { out } = clip('agc', {}, grads, { params });
      assert.deepEqual(bitsOf(clip('agc', {}, times(grads), { params: times(params) }).out), bitsOf(times(out)));
    }),
    { ...pinned, numRuns: 60 },
  ));

test('agc: units that start at 0 may move by clipping eps; as Composer has it, they never move', () => {
  const [grads, params] = [one(3, -4), one(0, 0)];
  const moved = entries(clip('agc', { clipping: 0.5, eps: 1e-3 }, grads, { params }).out);
  [3e-4, -4e-4].forEach((wanted, i) => {
    assertNear(moved[i], wanted, 1e-9);
  });
  const stuck = clip('agc', { clipping: 0.5, semantics: 'composer' }, grads, { params }).out;
  assert.deepEqual(entries(stuck).map(Math.abs), [0, 0]);
});

test('agc: systems differ in what a unit is', () => {
  const grads = { w: hostTensor([4, 2, 3], [100, ...Array<number>(23).fill(1e-3)]) };
  const params = changed(grads, () => 1);
  const touched = (unit_axis: string, semantics: string) => {
    const { out } = clip('agc', { unit_axis, semantics }, grads, { params });
    return entries(out).flatMap((x, i) => (Math.abs(x) < 5e-4 || i === 0 ? [i] : []));
  };
  assert.deepEqual(touched('last', 'safe'), [0, 3, 6, 9, 12, 15, 18, 21]);
  assert.deepEqual(touched('first', 'timm'), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(touched('optax', 'optax'), [0, 6, 12, 18]);
  assert.deepEqual(touched('first', 'kozistr'), [0, 3]);
});

const tensorNorms = (tensors: HostTensors) => list(tensors).map((tensor) => normOf(tensor));

for (const shorter of [false, true]) {
  test(`trust_ratio${shorter ? ' with clip' : ''}: as long as a share of the weights; 0 stays 0, and so does what has weights of 0`, () =>
    forAll((grads, trust_coefficient) => {
      const params: HostTensors = { ...weightsFor(grads), g1: changed(grads, () => 0).g1 ?? hostTensor([], [0]) };
      const { out } = clip('trust_ratio', { trust_coefficient, clip: shorter }, grads, { params });
      Object.entries(grads).forEach(([name, g], k) => {
        const [norm, weights] = [normOf(g), normOf(params[name] ?? hostTensor([], []))];
        if (weights === 0) assert.deepEqual(out[name], g);
        const length = trust_coefficient * weights;
        const wanted = norm === 0 || weights === 0 || (shorter && length > norm) ? norm : length;
        assertNear(tensorNorms(out)[k], wanted, 1e-6 * wanted);
      });
    }));
}

test('larc: the update is at most its share of the weights at every rate; at a rate of 0 nothing changes', () =>
  fc.assert(
    fc.property(gradients, fc.constantFrom(0, 1e-3, 0.1, 10), (grads, learning_rate) => {
      const params = weightsFor(grads);
      const { out } = clip('larc', { trust_coefficient: 0.02 }, grads, { params, learning_rate });
      if (learning_rate === 0) assert.deepEqual(bitsOf(out), bitsOf(grads));
      const [before, after, weights] = [grads, out, params].map(tensorNorms);
      before?.forEach((norm, k) => {
        // eps shows where the gradient is as small.
        const bound = (0.02 * (weights?.[k] ?? 0) * norm) / (norm + 1e-8);
        const wanted = norm === 0 ? 0 : Math.min(norm, bound / learning_rate);
        assertNear(after?.[k], wanted, 2e-6 * wanted);
      });
    }),
    { ...pinned, numRuns: 60 },
  ));

test('larc without clip and eps is trust_ratio', () =>
  forAll((grads, trust_coefficient) => {
    const params = weightsFor(grads);
    const { out } = clip('larc', { trust_coefficient, clip: false, eps: 0 }, grads, { params });
    const other = clip('trust_ratio', { trust_coefficient }, grads, { params }).out;
    for (const [i, x] of entries(other).entries()) assertNear(entries(out)[i], x, 1e-6 * Math.abs(x));
  }));
