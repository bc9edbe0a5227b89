/** Simulated searches and lifetimes of which the truth is known: how often bands and estimates hold it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stream } from '../../src/engine/random.ts';
import { orderBounds } from '../../src/stats/order-bounds.ts';
import { kaplanMeier, restrictedMean } from '../../src/stats/survival.ts';
import {
  expectedBest,
  expectedBestBand,
  medianBest,
  medianBestBand,
  unbiasedBest,
} from '../../src/stats/tuning-curve.ts';
import type { Stream } from '../../src/types.ts';

const SEARCHES = 1000;
const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, index) => make(index));
const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;
/** Four standard deviations of a share of so many searches. */
const four = (share: number) => 4 * Math.sqrt((share * (1 - share)) / SEARCHES);
const share = (n: number, holds: () => boolean) => times(n, holds).filter(Boolean).length / n;

/** Scores of trials within 0 and 1, and the mean of the best of n of them. */
const searches: Record<string, { draw: (own: Stream) => number; best: (n: number) => number }> = {
  uniform: { draw: (own) => own.uniform(), best: (n) => n / (n + 1) },
  // Few trials are good: the fourth power of a uniform number.
  skewed: { draw: (own) => own.uniform() ** 4, best: (n) => n / (n + 4) },
  // 0, 1/4, 1/2 or 3/4, alike: the best is at most k / 4 with probability ((k + 1) / 4)^n.
  tied: {
    draw: (own) => Math.floor(4 * own.uniform()) / 4,
    best: (n) => 0.75 - ((1 / 4) ** n + (2 / 4) ** n + (3 / 4) ** n) / 4,
  },
  // Half of the trials diverged, with a score of 0, the worst there is.
  diverging: {
    draw: (own) => Math.max(0, 2 * own.uniform() - 1),
    best: (n) => 1 - (2 * (1 - 0.5 ** (n + 1))) / (n + 1),
  },
};

test('bounds hold all order statistics at once as often as they state', () => {
  for (const n of [5, 20, 50]) {
    for (const confidence of [0.8, 0.95]) {
      const { low, high } = orderBounds(n, confidence);
      const own = stream('bounds', n, confidence);
      const held = share(SEARCHES, () => {
        const sorted = times(n, () => own.uniform()).sort((a, b) => a - b);
        return sorted.every((u, i) => (low[i] ?? 1) <= u && u <= (high[i] ?? 0));
      });
      assert.ok(Math.abs(held - confidence) <= four(confidence), `${held} of ${n} at ${confidence}`);
    }
  }
});

for (const [shape, { draw, best }] of Object.entries(searches)) {
  test(`the band of tuning curves holds the whole true curve of ${shape} scores with the confidence asked for`, () => {
    const trials = 6;
    const ns = [1, 2, 3, 4, 6, 10];
    const own = stream('search', shape);
    const curve = ns.map(best);
    const held = share(SEARCHES, () => {
      const { low, high } = expectedBestBand(
        times(trials, () => draw(own)),
        ns,
        { low: 0, high: 1 },
        0.8,
      );
      return curve.every((value, i) => (low[i] ?? 1) <= value + 1e-12 && value <= (high[i] ?? 0) + 1e-12);
    });
    assert.ok(held >= 0.8 - four(0.8), `${held}`);
  });

  test(`of ${shape} scores the unbiased curve is right on average, and the other one low`, () => {
    const own = stream('curves', shape);
    const found = times(5 * SEARCHES, () => times(8, () => draw(own)));
    for (const n of [1, 3, 8]) {
      const [unbiased, low] = [unbiasedBest, expectedBest].map((of) => found.map((scores) => of(scores, n)));
      assert.ok(unbiased && low);
      const centre = mean(unbiased);
      const error = Math.sqrt(mean(unbiased.map((value) => (value - centre) ** 2)) / unbiased.length);
      assert.ok(Math.abs(centre - best(n)) <= 4 * error, `${centre}, not ${best(n)} with ${n}`);
      if (n > 1) assert.ok(mean(low) < best(n), `${n}`);
    }
  });
}

test('the band of median curves holds the whole true curve with the confidence asked for', () => {
  const ns = [1, 2, 3, 4, 6, 10];
  const own = stream('median band');
  const held = share(SEARCHES, () => {
    const scores = times(6, () => own.uniform());
    const { low, high } = medianBestBand(scores, ns, { low: 0, high: 1 }, 0.8);
    return ns.every((n, i) => (low[i] ?? 1) <= 0.5 ** (1 / n) && 0.5 ** (1 / n) <= (high[i] ?? 0));
  });
  assert.ok(held >= 0.8 - four(0.8), `${held}`);
});

test('the median best of n is at most the true one about half of the time', () => {
  // Of uniform scores the best of n has its median at 2^(-1/n).
  const own = stream('median');
  const found = times(SEARCHES, () =>
    medianBest(
      times(101, () => own.uniform()),
      2,
    ),
  );
  const below = found.filter((value) => value <= Math.SQRT1_2).length / SEARCHES;
  assert.ok(Math.abs(below - 0.5) <= four(0.5) + 0.05, `${below}`);
});

/** Exponential with mean 1, watched until a time of its own between 0 and 3: about a third are censored. */
function lives(own: Stream, n: number) {
  return times(n, () => {
    const [time, end] = [-Math.log(1 - own.uniform()), 3 * own.uniform()];
    return { time: Math.min(time, end), happened: time <= end };
  });
}

test('Kaplan-Meier intervals hold the true survival 95 times in 100, and the estimate is right on average', () => {
  for (const n of [20, 60]) {
    for (const at of [0.4, 0.7, 1]) {
      const own = stream('lives', n, at);
      const found = times(SEARCHES, () => kaplanMeier(lives(own, n)).findLast(({ time }) => time <= at));
      const truth = Math.exp(-at);
      const held = found.filter((step) => step !== undefined && step.low <= truth && truth <= step.high).length;
      // Greenwood's variance is an approximation: within a hundredth of it with 20 runs (Borgan & Liestol 1990).
      assert.ok(Math.abs(held / SEARCHES - 0.95) <= four(0.95) + 0.01, `${held} of ${n} at ${at}`);
      const survivals = found.map((step) => step?.survival ?? 1);
      const error = Math.sqrt(mean(survivals.map((value) => (value - truth) ** 2)) / SEARCHES);
      assert.ok(Math.abs(mean(survivals) - truth) <= 4 * error, `${mean(survivals)}, not ${truth}`);
    }
  }
});

test('restricted means are right on average though a third of the runs are censored', () => {
  const own = stream('restricted');
  const found = times(SEARCHES, () => restrictedMean(lives(own, 60), 1.5));
  const truth = 1 - Math.exp(-1.5);
  const error = Math.sqrt(mean(found.map((value) => (value - truth) ** 2)) / SEARCHES);
  assert.ok(Math.abs(mean(found) - truth) <= 4 * error, `${mean(found)}, not ${truth}`);
});
