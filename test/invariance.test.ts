/** What a statistic must not depend on: the order of runs, which of two arms is called first, the unit of the metric. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stream } from '../src/engine/random.ts';
import { hodgesLehmann } from '../src/stats/hodges-lehmann.ts';
import { holm } from '../src/stats/holm.ts';
import { mcnemar } from '../src/stats/mcnemar.ts';
import { midranks } from '../src/stats/midranks.ts';
import { orderBounds } from '../src/stats/order-bounds.ts';
import { pairedDifference } from '../src/stats/paired-difference.ts';
import { quantile } from '../src/stats/quantile.ts';
import { rankStability, rankStrategies } from '../src/stats/rank-stability.ts';
import { sensitivityArea, usableDecades } from '../src/stats/rate-sensitivity.ts';
import { meanScore, medianScore, optimalityGap, scoreProfile } from '../src/stats/scores.ts';
import { signFlipDistribution } from '../src/stats/sign-flip.ts';
import { signedRank } from '../src/stats/signed-rank.ts';
import { kaplanMeier, restrictedMean } from '../src/stats/survival.ts';
import { algoperfScores, ratioProfile, timeRatios } from '../src/stats/time-to-target.ts';
import { expectedBestBand, medianBest, unbiasedBest } from '../src/stats/tuning-curve.ts';
import { wilson } from '../src/stats/wilson.ts';

/** Multiples of 1/8, so that sums are exact and many values are equal. */
const eighth = fc.integer({ min: -40, max: 40 }).map((n) => n / 8);
const value = fc.oneof(
  { weight: 8, arbitrary: eighth },
  { weight: 1, arbitrary: fc.constantFrom(Infinity, -Infinity) },
);

/** A list and the same in another order. */
const orders = <T>(item: fc.Arbitrary<T>, minLength = 1, maxLength = 9) =>
  fc
    .array(item, { minLength, maxLength })
    .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
/** Places 0 .. n - 1 in another order. */
const places = (n: number) => fc.shuffledSubarray([...Array(n).keys()], { minLength: n });
const moved = <T>(list: readonly T[], order: readonly number[]): T[] =>
  order.flatMap((from) => list.slice(from, from + 1));

function close(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, own] of actual.entries()) {
    const other = expected[i] ?? Number.NaN;
    const same = Object.is(own, other) || own === other || Math.abs(own - other) <= 1e-9 * Math.max(1, Math.abs(other));
    assert.ok(same, `${actual} and ${expected}`);
  }
}

test('seeds in another order give the same test, estimate, interval and quantiles', () => {
  fc.assert(
    fc.property(orders(value), fc.double({ min: 0, max: 1, noNaN: true }), ([list, other], q) => {
      assert.deepEqual(signedRank(other), signedRank(list));
      assert.deepEqual(hodgesLehmann(other), hodgesLehmann(list));
      assert.deepEqual(quantile(other, q), quantile(list, q));
    }),
  );
  fc.assert(
    fc.property(orders(fc.nat(20)), ([list, other]) =>
      assert.deepEqual(signFlipDistribution(other), signFlipDistribution(list)),
    ),
  );
});

test('ranks and adjusted p values go along with what they belong to', () => {
  const lists = fc.array(value, { minLength: 5, maxLength: 5 });
  const ps = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(lists, ps, places(5), (list, eighths, order) => {
      assert.deepEqual(midranks(moved(list, order)), moved(midranks(list), order));
      const p = eighths.map((n) => n / 8);
      assert.deepEqual(holm(moved(p, order)), moved(holm(p), order));
    }),
  );
});

test('which of two arms is called the baseline changes the sign and nothing else', () => {
  const score = fc.oneof(eighth, fc.constantFrom(undefined, Number.NaN));
  fc.assert(
    fc.property(score, score, fc.constantFrom('higher' as const, 'lower' as const), (a, b, better) =>
      assert.ok(pairedDifference(a, b, better) === -pairedDifference(b, a, better)),
    ),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 9 }), (list) => {
      const [own, turned] = [list, list.map((d) => -d)].map((d) => ({ ...signedRank(d), shift: hodgesLehmann(d) }));
      assert.ok(own && turned);
      assert.deepEqual([turned.p, turned.positive, turned.negative], [own.p, own.negative, own.positive]);
      close(
        [turned.shift.estimate, turned.shift.low, turned.shift.high],
        [-own.shift.estimate, -own.shift.high, -own.shift.low],
      );
    }),
  );
  fc.assert(fc.property(fc.nat(40), fc.nat(40), (a, b) => close([mcnemar(a, b)], [mcnemar(b, a)])));
  fc.assert(
    fc.property(fc.nat(40), fc.nat(40), (k, rest) => {
      const [own, other] = [wilson(k, k + rest), wilson(rest, k + rest)];
      close([own.low, own.high], [1 - other.high, 1 - other.low]);
    }),
  );
});

test('another unit of the metric changes the unit of the estimate and no p; a shift of all moves the interval along', () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 9 }),
      fc.integer({ min: -5, max: 5 }),
      eighth,
      (list, k, by) => {
        const unit = 2 ** k;
        assert.deepEqual(signedRank(list.map((d) => d * unit)), signedRank(list));
        const { estimate, low, high, confidence } = hodgesLehmann(list);
        assert.deepEqual(hodgesLehmann(list.map((d) => d * unit)), {
          estimate: estimate * unit,
          low: low * unit,
          high: high * unit,
          confidence,
        });
        const there = hodgesLehmann(list.map((d) => d + by));
        close([there.low, there.high], [low + by, high + by]);
        const finite = list.filter(Number.isFinite);
        close([hodgesLehmann(finite.map((d) => d + by)).estimate], [hodgesLehmann(finite).estimate + by]);
      },
    ),
  );
});

test('runs and tasks in another order give the same scores and profiles', () => {
  const tasks = fc.array(fc.array(eighth, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(tasks, (scores) => {
      const others = scores.map((own) => own.toReversed()).reverse();
      for (const of of [meanScore, medianScore, optimalityGap]) close([of(others)], [of(scores)]);
      assert.deepEqual(scoreProfile(others, [-1, 0, 1]), scoreProfile(scores, [-1, 0, 1]));
    }),
  );
});

test('lifetimes in another order give the same survival', () => {
  const life = fc.record({ time: fc.integer({ min: 1, max: 9 }), happened: fc.boolean() });
  fc.assert(
    fc.property(orders(life), ([list, other]) => {
      assert.deepEqual(kaplanMeier(other), kaplanMeier(list));
      assert.equal(restrictedMean(other, 8), restrictedMean(list, 8));
    }),
  );
});

test('strategies and workloads in another order are as fast as before', () => {
  const time = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(Infinity));
  const times = fc.array(fc.array(time, { minLength: 4, maxLength: 4 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(times, places(3), places(4), (all, strategies, workloads) => {
      const others = moved(all, strategies).map((own) => moved(own, workloads));
      close(algoperfScores(others), moved(algoperfScores(all), strategies));
      const [own = [], ratios = []] = [timeRatios(others)[0], timeRatios(all)[strategies[0] ?? 0]];
      assert.deepEqual(own, moved(ratios, workloads));
      assert.deepEqual(ratioProfile(own, [1, 2, 4]), ratioProfile(ratios, [1, 2, 4]));
    }),
  );
});

test('strategies, settings and seeds in another order are ranked as before', () => {
  const seeds = fc.array(value, { minLength: 3, maxLength: 3 });
  const all = fc.array(fc.array(seeds, { minLength: 2, maxLength: 2 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(all, places(4), places(2), places(3), (given, strategies, settings, order) => {
      const others = moved(given, strategies).map((own) => moved(own, settings).map((one) => moved(one, order)));
      assert.deepEqual(rankStrategies(others), moved(rankStrategies(given), strategies));
      const stability = (scores: typeof given) => rankStability(scores, { ...stream('order'), replicates: 20 });
      assert.deepEqual(stability(moved(given, strategies)), moved(stability(given), strategies));
    }),
  );
});

test('rates in another order have the same area and the same usable decades', () => {
  const point = fc.record({ exponent: fc.integer({ min: -6, max: 1 }), score: eighth });
  const distinct = fc.uniqueArray(point, { selector: ({ exponent }) => exponent, minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(distinct, (list) => {
      const points = list.map(({ exponent, score }) => ({ rate: 10 ** exponent, score }));
      const others = points.toReversed();
      close([sensitivityArea(others)], [sensitivityArea(points)]);
      close([usableDecades(others, 0.5)], [usableDecades(points, 0.5)]);
    }),
  );
});

test('trials in another order have the same tuning curves and bands', () => {
  fc.assert(
    fc.property(orders(eighth, 1, 6), ([list, other]) => {
      const ns = [1, 2, 5];
      for (const best of [unbiasedBest, medianBest])
        close(
          ns.map((n) => best(other, n)),
          ns.map((n) => best(list, n)),
        );
      const support = { low: -6, high: 6 };
      assert.deepEqual(expectedBestBand(other, ns, support), expectedBestBand(list, ns, support));
    }),
    { numRuns: 20 },
  );
});

test('bounds of order statistics look the same from either end', () => {
  for (const n of [1, 4, 9]) {
    const { low, high } = orderBounds(n, 0.9);
    close(
      low,
      high.toReversed().map((p) => 1 - p),
    );
  }
});
