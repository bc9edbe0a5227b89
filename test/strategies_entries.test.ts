/** What strategies promise of single entries: soft_value, sign, centralize and cautious. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import { find, parts } from '../src/parts.ts';
import type { HostTensors, Options } from '../src/types.ts';
import { clip, entries, forAll, one } from './support/clip.ts';
import { changed, gradients, pinned } from './support/gradients.ts';
import { assertNear, freed, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

before(() => loadBackend());

const fns: Record<string, (y: number) => number> = {
  tanh: Math.tanh,
  arctan: (y) => (2 / Math.PI) * Math.atan((Math.PI / 2) * y),
  algebraic: (y) => y / (1 + Math.abs(y)),
  sqrt: (y) => y / Math.hypot(1, y),
  erf: Number, // held by the properties alone
};
for (const [fn, f] of Object.entries(fns)) {
  test(`soft_value ${fn}: odd, never beyond the bound nor the entry, and rising with it`, () =>
    forAll((grads, clip_value) => {
      const { out } = clip('soft_value', { clip_value, fn }, grads);
      const { out: mirrored } = clip(
        'soft_value',
        { clip_value, fn },
        changed(grads, (x) => -x),
      );
      assert.deepEqual(entries(mirrored), entries(changed(out, (x) => -x)));
      const pairs = entries(grads).map((x, i) => [x, entries(out)[i] ?? Number.NaN] as const);
      for (const [x, y] of pairs) {
        assert.ok(Math.abs(y) <= Math.min(Math.abs(x), clip_value) * (1 + 1e-6), `${x} became ${y}`);
        assert.ok(x * y >= 0);
        if (fn !== 'erf') assertNear(y, clip_value * f(x / clip_value), 1e-6 * Math.abs(x));
      }
      pairs.sort(([a], [b]) => a - b);
      // Neighbours may change places by a rounding.
      pairs.reduce(([, low], [x, y]) => {
        assert.ok(y >= low - 1e-6 * Math.abs(low), `${x}: ${y} after ${low}`);
        return [x, y];
      });
    }));

  test(`soft_value ${fn}: slope 1 at 0, the bound at infinity, NaN stays, and a bound of Infinity is none`, () => {
    const { out, fraction } = clip('soft_value', { clip_value: 0.5, fn }, one(1e-9, -1e-30, 0, 3e38, -Infinity, NaN));
    const [small = 0, tiny = 0, zero, huge = 0, lowest = 0, nan] = entries(out);
    assertNear(small, 1e-9, 1e-15);
    assertNear(tiny, -1e-30, 1e-36);
    assert.equal(zero, 0);
    assertNear(huge, 0.5, 5e-7);
    assertNear(lowest, -0.5, 5e-7);
    assert.equal(nan, Number.NaN);
    assert.equal(fraction, Math.fround(2 / 6));
    const untouched = one(1e-30, -3e38, 0, Number.POSITIVE_INFINITY);
    const off = clip('soft_value', { clip_value: Number.POSITIVE_INFINITY, fn }, untouched);
    assert.deepEqual([off.out, off.fraction], [untouched, 0]);
  });
}

test('sign: -1, 0 or 1; scaled, the absolute values of a tensor have the sum that they had', () =>
  forAll((grads) => {
    const { out } = clip('sign', {}, grads);
    for (const [i, x] of entries(grads).entries()) assert.equal(Math.abs(entries(out)[i] ?? 0), x === 0 ? 0 : 1);
    const scaled = clip('sign', { scaled: true }, grads).out;
    const sum = (values: Iterable<number>) => [...values].reduce((total, x) => total + Math.abs(x), 0);
    for (const [name, { values }] of Object.entries(grads)) {
      if (values.every((x) => x !== 0))
        assertNear(sum(scaled[name]?.values ?? []), sum(values), 1e-6 * sum(values), name);
    }
  }));

/** The outputs of some steps in a row, and the state after the last. */
function steps(name: string, options: Options, gradients: HostTensors[]) {
  const { init, update } = transform(find(parts.strategies, name), options);
  return freed(() => {
    let state = init(toTensors(gradients[0] ?? {}));
    const outputs = gradients.map((grads) => {
      const made = update(toTensors(grads), { state });
      state = made.state;
      return toHost(made.grads);
    });
    return { outputs, state: toHost(state) };
  });
}

for (const scaled of [false, true]) {
  test(`sign ${scaled ? 'scaled ' : ''}with error feedback: what went out and what is kept add up to what came in`, () => {
    const came = [0, 1, 2, 3, 4].map((t) => one(Math.sin(t), 3 * Math.cos(2 * t), -0.25));
    const { outputs, state } = steps('sign', { scaled, error_feedback: true }, came);
    const total = (all: HostTensors[], i: number) => all.reduce((sum, { g }) => sum + (g?.values[i] ?? 0), 0);
    for (const i of [0, 1, 2]) assertNear(total(outputs, i) + (state.g?.values[i] ?? 0), total(came, i), 2e-6);
    assert.notDeepEqual(
      outputs,
      came.map((g) => clip('sign', { scaled }, g).out),
    );
  });
}

test('sign: a gradient that is not finite shows, and the residuals outlive it', () => {
  const finite = one(1, -2, 0.5);
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const { outputs, state } = steps('sign', { scaled: true, error_feedback: true }, [finite, one(1, odd, 1), finite]);
    assert.equal(outputs[1]?.g?.values.some(Number.isFinite), false);
    assert.equal(outputs[2]?.g?.values.every(Number.isFinite), true);
    assert.equal(state.g?.values.every(Number.isFinite), true);
  }
});

for (const unit_axis of ['last', 'first']) {
  test(`centralize ${unit_axis}: the mean of every unit is 0, vectors stay, and once more changes roundings only`, () =>
    forAll((grads) => {
      const { out } = clip('centralize', { unit_axis }, grads);
      const { out: again } = clip('centralize', { unit_axis }, out);
      for (const [name, { shape, values }] of Object.entries(grads)) {
        const got = out[name]?.values ?? new Float32Array();
        if (shape.length < 2) assert.deepEqual(got, values);
        if (shape.length < 2) continue;
        const largest = Math.max(...values.map(Math.abs));
        const units = (unit_axis === 'last' ? shape.at(-1) : shape[0]) ?? 1;
        const unitOf = (i: number) => (unit_axis === 'last' ? i % units : Math.floor(i / (values.length / units)));
        for (let unit = 0; unit < units; unit++) {
          const own = got.filter((_, i) => unitOf(i) === unit);
          assertNear(
            own.reduce((sum, x) => sum + x, 0),
            0,
            1e-6 * largest * own.length,
          );
        }
        got.forEach((x, i) => {
          assertNear(again[name]?.values[i], x, 1e-6 * largest);
        });
      }
    }));
}

test('cautious: what points against the gradient is 0, and what points along it all longer by one factor', () =>
  fc.assert(
    fc.property(gradients, fc.constantFrom(1, 2, 3), fc.constantFrom('timm', 'coptim'), (updates, period, rescale) => {
      let i = 0;
      const gradient = changed(updates, (x) => (i++ % period === 0 ? 1 : -1) * (x === 0 ? 0 : 1e-25 / x));
      const { out } = clip('cautious', { rescale }, updates, { gradient });
      for (const [name, { values }] of Object.entries(updates)) {
        const isKept = values.map((u, k) => (u * Math.sign(gradient[name]?.values[k] ?? 0) > 0 ? 1 : 0));
        const kept = isKept.reduce((sum, k) => sum + k, 0);
        const factor = rescale === 'timm' ? 1 / Math.max(kept / values.length, 1e-3) : values.length / (kept + 1);
        values.forEach((u, k) => {
          const wanted = u * (isKept[k] ?? 0) * factor;
          assertNear(out[name]?.values[k], wanted, 4e-7 * Math.abs(wanted));
        });
      }
    }),
    { ...pinned, numRuns: 60 },
  ));

test('cautious: an update along the whole gradient stays, one against it is left out, NaN stays NaN', () => {
  const u = one(1e-25, -2, 3e30, -4);
  assert.deepEqual(clip('cautious', {}, u, { gradient: u }), { out: u, fraction: 0 });
  const against = clip('cautious', {}, u, { gradient: changed(u, (x) => -x) });
  assert.deepEqual([entries(against.out).map(Math.abs), against.fraction], [[0, 0, 0, 0], 1]);
  assert.deepEqual(entries(clip('cautious', {}, one(NaN, 1), { gradient: one(1, 1) }).out)[0], Number.NaN);
});
