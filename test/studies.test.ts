import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { stream } from '../src/engine/random.ts';
import { stratifiedBootstrap } from '../src/stats/bootstrap.ts';
import { detectableEffect } from '../src/stats/detectable.ts';
import { equivalence } from '../src/stats/equivalence.ts';
import { insideProbability, orderBounds, orderQuantile } from '../src/stats/order-bounds.ts';
import { rankStability, rankStrategies } from '../src/stats/rank-stability.ts';
import { sensitivityArea, usableDecades } from '../src/stats/rate-sensitivity.ts';
import {
  interquartileMean,
  meanScore,
  medianScore,
  optimalityGap,
  probabilityOfImprovement,
  type Scores,
  scoreProfile,
} from '../src/stats/scores.ts';
import { kaplanMeier, restrictedMean } from '../src/stats/survival.ts';
import { algoperfScores, ratioProfile, timeRatios } from '../src/stats/time-to-target.ts';
import { expectedBest, expectedBestBand, medianBest, medianBestBand, unbiasedBest } from '../src/stats/tuning-curve.ts';

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const numbers = z.array(number);
const pair = z.tuple([number, number]);
const golden = z
  .object({
    aggregates: z.array(
      z.object({
        x: z.array(numbers),
        y: z.array(numbers),
        mean: number,
        median: number,
        iqm: number,
        optimality_gap: number,
        probability: number,
        taus: numbers,
        profile: numbers,
      }),
    ),
    bootstraps: z.array(
      z.object({ scores: z.array(numbers), uniform: numbers, replicates: number, iqm: pair, median: pair }),
    ),
    algoperf: z.array(z.object({ times: z.array(numbers), scores: numbers })),
    lives: z.array(
      z.object({
        times: numbers,
        happened: z.array(z.boolean()),
        horizon: number,
        steps: z.array(z.object({ time: number, survival: number, low: number, high: number })),
        restricted_mean: number,
      }),
    ),
    inside: z.array(z.object({ low: numbers, high: numbers, probability: number })),
    order_quantiles: z.array(z.object({ i: number, n: number, p: number, quantile: number })),
    equivalence: z.array(z.object({ differences: numbers, margin: z.number(), p: z.number() })),
    tuning: z.array(
      z.object({
        ys: numbers,
        v: numbers,
        u: numbers,
        median: numbers,
        low: numbers,
        high: numbers,
        median_low: numbers,
        median_high: numbers,
      }),
    ),
    detectable: z.array(z.object({ seeds: number, level: number, effect: number })),
    areas: z.array(z.object({ rates: numbers, scores: numbers, area: number })),
    ranks: z.array(
      z.object({
        scores: z.array(z.array(numbers)),
        uniform: numbers,
        replicates: number,
        ranks: numbers,
        first: numbers,
        low: numbers,
        high: numbers,
      }),
    ),
    decades: z.array(z.object({ rates: numbers, scores: numbers, level: number, decades: number })),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/studies.json', import.meta.url), 'utf8')));

function close(actual: number | undefined, expected: number | undefined, tolerance = 1e-12, what = ''): void {
  const [a = Number.NaN, b = Number.NaN] = [actual, expected];
  assert.ok(a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${what} ${a}, expected ${b}`);
}
const allClose = (actual: readonly number[], expected: readonly number[], tolerance?: number, what?: string) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) close(value, expected[i], tolerance, `${what} ${i}:`);
};

test('aggregates and profiles are those of rliable', () => {
  for (const { x, y, mean, median, iqm, optimality_gap, probability, taus, profile } of golden.aggregates) {
    close(meanScore(x), mean);
    close(medianScore(x), median);
    close(interquartileMean(x), iqm);
    close(optimalityGap(x), optimality_gap);
    close(probabilityOfImprovement(x, y), probability);
    allClose(scoreProfile(x, taus), profile);
  }
});

test('bootstrap intervals of given resamples are those of rliable with numpy', () => {
  for (const { scores, uniform, replicates, iqm, median } of golden.bootstraps) {
    let at = 0;
    const next = () => uniform[at++] ?? Number.NaN;
    const both = (resampled: Scores) => [interquartileMean(resampled), medianScore(resampled)];
    const [ofIqm, ofMedian] = stratifiedBootstrap(scores, both, { uniform: next, replicates });
    allClose([ofIqm?.low ?? 0, ofIqm?.high ?? 0], iqm);
    allClose([ofMedian?.low ?? 0, ofMedian?.high ?? 0], median);
    assert.equal(at, uniform.length);
  }
});

test('bootstrap intervals repeat with the stream, and hold the aggregate of all runs', () => {
  const scores = golden.aggregates[3]?.x ?? [];
  const interval = () =>
    stratifiedBootstrap(scores, (own) => [interquartileMean(own)], { ...stream('a test'), replicates: 500 })[0];
  const { low, high } = interval() ?? { low: 0, high: 0 };
  assert.deepEqual(interval(), { low, high });
  assert.ok(low < interquartileMean(scores) && interquartileMean(scores) < high);
});

test('the score of AlgoPerf is the area under the profile, and missed targets count as never', () => {
  for (const { times, scores } of golden.algoperf) {
    allClose(algoperfScores(times), scores, 1e-5);
    for (const [s, ratios] of timeRatios(times).entries()) {
      const taus = Array.from({ length: 30_000 }, (_, i) => 1 + (i + 0.5) / 10_000);
      const area = ratioProfile(ratios, taus).reduce((sum, share) => sum + share, 0) / taus.length;
      close(area, algoperfScores(times)[s], 1e-4);
    }
  }
  assert.deepEqual(
    algoperfScores([
      [1, Infinity],
      [8, Infinity],
    ]),
    [0.5, 0],
  );
});

test('survival and restricted mean are those of lifelines', () => {
  for (const { times, happened, horizon, steps, restricted_mean } of golden.lives) {
    const lifetimes = times.map((time, i) => ({ time, happened: happened[i] ?? false }));
    const [start, ...own] = kaplanMeier(lifetimes);
    // Before the first event lifelines draws an interval without width; what it hasn't happened to yet bounds nothing.
    assert.deepEqual(start, { time: 0, atRisk: times.length, survival: 1, low: 0, high: 1 });
    assert.equal(own.length, steps.length);
    for (const [i, { time, survival, low, high }] of steps.entries()) {
      assert.equal(own[i]?.time, time);
      close(own[i]?.survival, survival);
      if (survival > 0) allClose([own[i]?.low ?? 0, own[i]?.high ?? 0], [low, high], 1e-9);
    }
    close(restrictedMean(lifetimes, horizon), restricted_mean);
  }
});

test('where all runs last to the horizon, the restricted mean is the mean of what they lasted', () => {
  const lives = fc.array(fc.record({ time: fc.integer({ min: 1, max: 20 }) }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lives, (all) => {
      const lifetimes = all.map(({ time }) => ({ time: Math.min(time, 12), happened: time < 12 }));
      const mean = lifetimes.reduce((sum, { time }) => sum + time, 0) / lifetimes.length;
      close(restrictedMean(lifetimes, 12), mean, 1e-9);
    }),
  );
});

test('the probability that order statistics stay within bounds is that of the exact Kolmogorov-Smirnov test', () => {
  for (const { low, high, probability } of golden.inside) close(insideProbability(low, high), probability, 1e-9);
  for (const { i, n, p, quantile } of golden.order_quantiles) close(orderQuantile(i, n, p), quantile, 1e-9);
});

test('bounds hold all order statistics at once with the confidence asked for', () => {
  for (const n of [1, 2, 7, 30]) {
    const { low, high } = orderBounds(n, 0.95);
    close(insideProbability(low, high), 0.95, 1e-9);
  }
});

test('equivalence is that of two one-sided signed-rank tests in scipy', () => {
  for (const { differences, margin, p } of golden.equivalence) close(equivalence(differences, margin), p, 1e-12);
});

test('nothing is equivalent where a run diverged on more than a few seeds, and what is equal by definition is', () => {
  assert.equal(equivalence([Infinity, Infinity, Infinity, 0, 0, 0], 0.1) > 0.5, true);
  close(equivalence([0, 0, 0, 0, 0, 0], 0.1), 1 / 64, 1e-15);
  assert.equal(equivalence([], 1), 1);
});

test('tuning curves are those of opda, and bands within what its simulation leaves open', () => {
  for (const { ys, v, u, median, low, high, median_low, median_high } of golden.tuning) {
    const ns = ys.map((_, i) => i + 1);
    allClose(
      ns.map((n) => expectedBest(ys, n)),
      v,
    );
    allClose(
      ns.map((n) => unbiasedBest(ys, n)),
      u,
      1e-9,
    );
    allClose(
      ns.map((n) => medianBest(ys, n)),
      median,
    );
    const band = expectedBestBand(ys, ns, { low: 0, high: 1 });
    allClose(band.low, low, 0.005, 'low');
    allClose(band.high, high, 0.005, 'high');
    // Order statistics: the simulated bounds pick the same ones.
    assert.deepEqual(medianBestBand(ys, ns, { low: 0, high: 1 }), { low: median_low, high: median_high });
  }
});

test('tuning curves ascend with the budget inside their band, and end at the best trial', () => {
  const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(scores, (ys) => {
      const ns = ys.map((_, i) => i + 1);
      const [curve, band] = [ns.map((n) => expectedBest(ys, n)), expectedBestBand(ys, ns, { low: 0, high: 1 })];
      for (const [i, value] of curve.entries()) {
        assert.ok(value >= (curve[i - 1] ?? 0) - 1e-12);
        assert.ok((band.low[i] ?? 1) <= value + 1e-12 && value <= (band.high[i] ?? 0) + 1e-12);
      }
      close(unbiasedBest(ys, ys.length), Math.max(...ys), 1e-9);
    }),
    { numRuns: 30 },
  );
});

test('trials that diverged hold the curve down and no more', () => {
  assert.equal(medianBest([-Infinity, 0.5, 0.7], 1), 0.5);
  assert.equal(expectedBest([-Infinity, 0.5], 1), -Infinity);
  assert.deepEqual(expectedBestBand([0.5], [1], { low: -Infinity, high: 1 }).low, [-Infinity]);
});

test('the detectable effect is that of a simulation with scipy', () => {
  for (const { seeds, level, effect } of golden.detectable)
    close(detectableEffect(seeds, level, stream('detectable')), effect, 0.06);
  assert.equal(detectableEffect(5, 0.05, stream('detectable')), Infinity);
});

test('the area under the sensitivity curve is the trapezoid over decades', () => {
  for (const { rates, scores, area } of golden.areas) {
    const points = rates.map((rate, i) => ({ rate, score: scores[i] ?? 0 }));
    close(sensitivityArea(points), area, 1e-12);
    close(sensitivityArea(points.toReversed()), area, 1e-12);
  }
  assert.equal(sensitivityArea([{ rate: 0.1, score: 0.4 }]), 0.4);
  const line = [
    { rate: 0.01, score: 0 },
    { rate: 0.1, score: 1 },
    { rate: 1, score: 1 },
  ];
  close(usableDecades(line, 0.75), 1.25);
  close(usableDecades(line, 2), 0);
});

test('usable decades are those counted on a fine grid with numpy', () => {
  for (const { rates, scores, level, decades } of golden.decades) {
    const points = rates.map((rate, i) => ({ rate, score: scores[i] ?? 0 }));
    close(usableDecades(points, level), decades, 1e-5);
  }
});

test('ranks, and ranks of given resamples, are those of scipy and numpy', () => {
  for (const { scores, uniform, replicates, ...expected } of golden.ranks) {
    let at = 0;
    const found = rankStability(scores, { uniform: () => uniform[at++] ?? Number.NaN, replicates });
    assert.equal(at, uniform.length);
    assert.deepEqual(rankStrategies(scores), expected.ranks);
    assert.deepEqual(
      found.map(({ rank }) => rank),
      expected.ranks,
    );
    for (const key of ['first', 'low', 'high'] as const)
      allClose(
        found.map((one) => one[key]),
        expected[key],
        1e-12,
        key,
      );
  }
});

test('strategies are ranked by medians over seeds, and runs that diverged rank last', () => {
  const strategies = [
    [
      [0.5, 0.6, 0.7],
      [10, 11, 12],
    ],
    [
      [0.8, 0.9, 0.1],
      [1, 2, 3],
    ],
    [
      [0.9, -Infinity, -Infinity],
      [-Infinity, -Infinity, 5],
    ],
  ];
  assert.deepEqual(rankStrategies(strategies), [1.5, 1.5, 3]);
  const [first, second, last] = rankStability(strategies, { ...stream('ranks'), replicates: 400 });
  assert.ok((first?.first ?? 0) > (last?.first ?? 1));
  assert.ok((second?.low ?? 0) >= 1 && (last?.high ?? 4) <= 3);
});

test('statistics of studies do not depend on the order of runs', () => {
  const runs = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 2, maxLength: 9 });
  fc.assert(
    fc.property(
      runs,
      runs,
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (x, y, coin) => {
        const shuffled = (values: number[]) => {
          const order = values.map((value) => ({ value, key: coin.next().value }));
          return order.sort((a, b) => a.key - b.key).map(({ value }) => value);
        };
        close(interquartileMean([shuffled(x), shuffled(y)]), interquartileMean([x, y]), 1e-9);
        close(probabilityOfImprovement([shuffled(x)], [shuffled(y)]), probabilityOfImprovement([x], [y]), 1e-9);
        close(probabilityOfImprovement([x], [y]) + probabilityOfImprovement([y], [x]), 1, 1e-9);
        close(expectedBest(shuffled(x), 3), expectedBest(x, 3), 1e-9);
      },
    ),
  );
});
