import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { hodgesLehmann } from '../src/stats/hodges-lehmann.ts';
import { holm } from '../src/stats/holm.ts';
import { mcnemar } from '../src/stats/mcnemar.ts';
import { midranks } from '../src/stats/midranks.ts';
import { pairedDifference } from '../src/stats/paired-difference.ts';
import { median, quantile } from '../src/stats/quantile.ts';
import { neededPairs, signFlipDistribution, signFlipP, smallestP } from '../src/stats/sign-flip.ts';
import { signedRank } from '../src/stats/signed-rank.ts';
import { wilson } from '../src/stats/wilson.ts';

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const numbers = z.array(number);
const golden = z
  .object({
    signed_rank_exact: z.array(z.object({ d: numbers, p: number, statistic: number })),
    signed_rank_brute: z.array(z.object({ d: numbers, p: number, positive: number })),
    hodges_lehmann: z.array(
      z.object({
        d: numbers,
        confidence_asked: number,
        estimate: number,
        low: number,
        high: number,
        confidence: number,
      }),
    ),
    wilson: z.array(z.object({ k: number, n: number, low: number, high: number })),
    mcnemar: z.array(z.object({ first: number, second: number, p: number })),
    holm: z.array(z.object({ ps: numbers, adjusted: numbers })),
    unbounded: z.array(
      z.object({ d: numbers, confidence_asked: number, low: number, high: number, confidence: number }),
    ),
    sign_flips: z.array(z.object({ weights: numbers, distribution: numbers, ps: numbers })),
    needed_pairs: z.array(z.object({ comparisons: number, level: number, pairs: number, smallest: number })),
    quantile: z.array(z.object({ values: numbers, q: number, quantile: number })),
    midranks: z.array(z.object({ values: numbers, ranks: numbers })),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/stats.json', import.meta.url), 'utf8')));

const close = (actual: number, expected: number, what: string) =>
  assert.ok(
    actual === expected || Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, expected ${expected}`,
  );

test('signedRank agrees with scipy.stats.wilcoxon where there are no ties', () => {
  for (const { d, p, statistic } of golden.signed_rank_exact) {
    const result = signedRank(d);
    close(result.p, p, `p of ${d}`);
    close(Math.min(result.positive, result.negative), statistic, `statistic of ${d}`);
  }
});

test('signedRank agrees with all 2^n sign patterns, also with ties, zeros and infinities', () => {
  for (const { d, p, positive } of golden.signed_rank_brute) {
    const result = signedRank(d);
    close(result.p, p, `p of ${d}`);
    close(result.positive, positive, `positive ranks of ${d}`);
    assert.equal(result.positive + result.negative, (result.n * (result.n + 1)) / 2);
  }
});

test('signedRank and hodgesLehmann give the published result on the Hamilton depression scale', () => {
  // Hollander & Wolfe, Nonparametric Statistical Methods, example 3.1: V = 40, one-sided p 0.0195, shift -0.46.
  const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
  const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  const differences = before.map((value, index) => value - (after[index] ?? Number.NaN));
  const result = signedRank(differences);
  assert.equal(result.positive, 40);
  assert.equal(result.p, 0.0390625);
  const shift = hodgesLehmann(differences);
  close(shift.estimate, 0.46, 'estimate');
  close(shift.low, 0.01, 'low');
  close(shift.high, 0.786, 'high');
  close(shift.confidence, 1 - 10 / 256, 'confidence');
});

test('signedRank rejects at most 5 % of all sign patterns at 0.05, whatever the sizes and ties', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(Infinity)), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(sizes, (differences) => {
      const patterns = 2 ** differences.length;
      let rejected = 0;
      for (let pattern = 0; pattern < patterns; pattern += 1) {
        const signs = differences.map((size, bit) => (pattern & (1 << bit) ? size : -size));
        if (signedRank(signs).p <= 0.05) rejected += 1;
      }
      assert.ok(rejected <= 0.05 * patterns, `${rejected} of ${patterns}`);
    }),
    { numRuns: 30 },
  );
});

test('hodgesLehmann agrees with brute force over the Walsh averages', () => {
  for (const { d, confidence_asked, ...expected } of golden.hodges_lehmann) {
    const shift = hodgesLehmann(d, confidence_asked);
    for (const key of ['estimate', 'low', 'high', 'confidence'] as const) {
      close(shift[key], expected[key], `${key} of ${d} at ${confidence_asked}`);
    }
  }
});

test('with infinite differences hodgesLehmann holds every interval that numbers in their place could give', () => {
  for (const { d, confidence_asked, ...expected } of golden.unbounded) {
    const shift = hodgesLehmann(d, confidence_asked);
    for (const key of ['low', 'high', 'confidence'] as const)
      close(shift[key], expected[key], `${key} of ${d} at ${confidence_asked}`);
  }
  // Opposite ones weigh the same on both sides.
  assert.equal(hodgesLehmann([Infinity, -Infinity, 0.7, 0.7, 0.7]).estimate, 0.7);
});

test('hodgesLehmann needs six differences for a bounded 95 % interval', () => {
  assert.deepEqual(hodgesLehmann([1, 2, 3, 4, 5]), { estimate: 3, low: -Infinity, high: Infinity, confidence: 1 });
  assert.deepEqual(hodgesLehmann([1, 2, 3, 4, 5, 6]), { estimate: 3.5, low: 1, high: 6, confidence: 1 - 2 / 64 });
});

test('hodgesLehmann keeps infinite differences as ranks and never gives NaN', () => {
  assert.equal(hodgesLehmann([Infinity, Infinity, Infinity, 0.2, 0.1, 0.3]).estimate, Infinity);
  assert.equal(hodgesLehmann([Infinity, 0.1, 0.2, 0.3, 0.4, 0.5]).low, 0.1);
  assert.equal(hodgesLehmann([Infinity, -Infinity]).estimate, 0);
  assert.equal(hodgesLehmann([]).estimate, Number.NaN);
  const values = fc.oneof(fc.double({ noNaN: true, min: -10, max: 10 }), fc.constantFrom(Infinity, -Infinity, 0));
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 9 }), (d) => {
      const { estimate, low, high } = hodgesLehmann(d);
      assert.ok(low <= estimate && estimate <= high, `${low} ${estimate} ${high}`);
    }),
  );
});

test('the interval holds exactly the shifts that the signed-rank test does not reject', () => {
  const d = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 6, maxLength: 9 });
  fc.assert(
    fc.property(d, fc.integer({ min: -900, max: 900 }), (differences, shift) => {
      // An odd denominator keeps the shift off every Walsh average and the shifted |d| untied.
      const c = shift + 1 / 3;
      const { low, high, confidence } = hodgesLehmann(differences);
      const { p } = signedRank(differences.map((value) => value - c));
      assert.equal(low < c && c < high, p > 1 - confidence);
    }),
  );
});

test('wilson agrees with scipy and stays within [0, 1]', () => {
  for (const { k, n, low, high } of golden.wilson) {
    close(wilson(k, n).low, low, `low of ${k}/${n}`);
    close(wilson(k, n).high, high, `high of ${k}/${n}`);
  }
  assert.deepEqual(wilson(0, 0), { low: 0, high: 1 });
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (a, b) => {
      const [k, n] = [Math.min(a, b), Math.max(a, b)];
      const { low, high } = wilson(k, n);
      assert.ok(0 <= low && (n === 0 || low <= k / n) && (n === 0 || k / n <= high) && high <= 1);
    }),
  );
});

test('mcnemar agrees with the exact test of statsmodels', () => {
  for (const { first, second, p } of golden.mcnemar) close(mcnemar(first, second), p, `${first} : ${second}`);
});

test('holm agrees with statsmodels', () => {
  for (const { ps, adjusted } of golden.holm) {
    for (const [index, value] of holm(ps).entries()) close(value, adjusted[index] ?? Number.NaN, `${ps} [${index}]`);
  }
  assert.deepEqual(holm([]), []);
});

test('holm keeps the order of p, never lowers one and follows the comparison when the order changes', () => {
  const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(ps, (values) => {
      const adjusted = holm(values);
      for (const [i, p] of values.entries()) {
        assert.ok((adjusted[i] ?? -1) >= p && (adjusted[i] ?? 2) <= 1);
        for (const [j, q] of values.entries()) if (p <= q) assert.ok((adjusted[i] ?? 2) <= (adjusted[j] ?? -1));
      }
      assert.deepEqual(holm([...values].reverse()).reverse(), adjusted);
    }),
  );
});

test('quantile agrees with numpy and treats infinities as values', () => {
  for (const { values, q, quantile: expected } of golden.quantile)
    close(quantile(values, q), expected, `${q} ${values}`);
  assert.equal(quantile([], 0.5), Number.NaN);
  assert.equal(median([1, 2, Infinity]), 2);
  assert.equal(median([1, 2, Infinity, Infinity]), Infinity);
  assert.equal(median([-Infinity, -Infinity, 2, 3]), -Infinity);
  assert.equal(median([-Infinity, Infinity]), Number.NaN);
  assert.equal(median([Infinity, Infinity]), Infinity);
  assert.equal(quantile([1, Infinity], 0), 1);
});

test('midranks agree with scipy.stats.rankdata', () => {
  for (const { values, ranks } of golden.midranks) assert.deepEqual(midranks(values), ranks);
  assert.deepEqual(midranks([Infinity, 1, Infinity]), [2.5, 1, 2.5]);
  assert.deepEqual(midranks([]), []);
});

test('sign-flip distributions and p are binomial with weights of one, else those of all 2^n patterns', () => {
  for (const { weights, distribution, ps } of golden.sign_flips) {
    const own = signFlipDistribution(weights);
    assert.equal(own.length, distribution.length);
    for (const [sum, probability] of own.entries()) {
      close(probability, distribution[sum] ?? Number.NaN, `P(${sum}) of ${weights}`);
      close(signFlipP(weights, sum), ps[sum] ?? Number.NaN, `p of ${sum} of ${weights}`);
    }
  }
});

test('neededPairs and smallestP agree with scipy and statsmodels', () => {
  for (const { comparisons, level, pairs, smallest } of golden.needed_pairs) {
    assert.equal(neededPairs(comparisons, level), pairs);
    close(smallestP(pairs), smallest, `${pairs} pairs`);
  }
});

test('a sign-flip distribution sums to one and is symmetric', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 12 }), (weights) => {
      const distribution = signFlipDistribution(weights);
      assert.equal(
        distribution.reduce((sum, p) => sum + p, 0),
        1,
      );
      assert.deepEqual([...distribution].reverse(), [...distribution]);
    }),
  );
  assert.equal(signFlipP([], 0), 1);
});

test('the smallest reachable p halves with every seed, and neededPairs says how many seeds a family takes', () => {
  assert.deepEqual([0, 1, 2, 5, 6, 8].map(smallestP), [1, 1, 0.5, 0.0625, 0.03125, 0.0078125]);
  assert.equal(signedRank([1, 2, 3, 4, 5, 6]).p, smallestP(6));
  assert.equal(neededPairs(1, 0.05), 6);
  assert.equal(neededPairs(36, 0.05), 11);
});

test('pairedDifference is positive where the member is better and infinite where one run diverged', () => {
  assert.equal(pairedDifference(0.75, 0.5, 'higher'), 0.25);
  assert.equal(pairedDifference(0.75, 0.5, 'lower'), -0.25);
  assert.equal(pairedDifference(0.1, undefined, 'higher'), Infinity);
  assert.equal(pairedDifference(undefined, 0.1, 'lower'), -Infinity);
  assert.equal(pairedDifference(undefined, undefined, 'lower'), 0);
  assert.equal(pairedDifference(Number.NaN, 0.1, 'higher'), -Infinity);
  assert.equal(pairedDifference(Infinity, Infinity, 'lower'), 0);
});
