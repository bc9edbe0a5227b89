import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { mannWhitney, shiftBetween, smallestMannWhitneyP } from '../src/stats/mann-whitney.ts';

const numbers = z.array(z.number());
const golden = z
  .object({ cases: z.array(z.object({ x: numbers, y: numbers, u: z.number(), p: z.number() })) })
  .parse(JSON.parse(readFileSync(new URL('./golden/mann_whitney.json', import.meta.url), 'utf8')));
const close = (found: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not ${expected}`);

test('U and its exact p are those of scipy, ties included', () => {
  assert.ok(golden.cases.length >= 20);
  for (const { x, y, u, p } of golden.cases) {
    const found = mannWhitney(x, y);
    assert.equal(found.u, u);
    close(found.p, p);
  }
});

test('the smallest p is that of samples that do not overlap', () => {
  for (const [n, m] of [
    [3, 3],
    [5, 5],
    [6, 6],
    [2, 7],
  ] as const) {
    const [x, y] = [Array.from({ length: n }, (_, i) => i), Array.from({ length: m }, (_, i) => 100 + i)];
    close(mannWhitney(x, y).p, smallestMannWhitneyP(n, m));
  }
  close(smallestMannWhitneyP(6, 6), 2 / 924);
});

const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 7 });

test('order says nothing; swapped samples have the same p', () => {
  fc.assert(
    fc.property(sample, sample, (x, y) => {
      const { u, p } = mannWhitney(x, y);
      assert.deepEqual(mannWhitney(x.toReversed(), y.toReversed()), { u, p });
      const swapped = mannWhitney(y, x);
      close(swapped.p, p);
      assert.equal(swapped.u, x.length * y.length - u);
      assert.ok(p > 0 && p <= 1);
    }),
  );
});

test('the interval holds the shifts that the test does not reject, and no other', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 8, maxLength: 12 }),
      fc.double({ min: 0.5, max: 0.99, noNaN: true }),
      (all, confidence) => {
        const [x, y] = [all.slice(0, 4), all.slice(4).map((value) => value + 0.25)];
        const { estimate, low, high } = shiftBetween(x, y, confidence);
        assert.ok(low <= estimate && estimate <= high);
        // Between two of the differences nothing ties.
        const rejected = (shift: number) =>
          mannWhitney(
            x,
            y.map((value) => value - shift),
          ).p <=
          1 - confidence;
        if (Number.isFinite(low)) {
          assert.ok(rejected(low - 1e-4) && !rejected(low + 1e-4), 'lower end');
          assert.ok(rejected(high + 1e-4) && !rejected(high - 1e-4), 'upper end');
        } else {
          assert.ok(smallestMannWhitneyP(x.length, y.length) > 1 - confidence);
        }
      },
    ),
  );
});
