/**
 * Simulated searches and lifetimes of which the truth is known: how often bands and estimates hold it. What chance allows is in
 * support/binomial.ts.
 */
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
import { assertAtLeast, assertNear, atLeastOf } from '../support/binomial.ts';
import { mean, standardError, times } from '../support/simulated.ts';

const SEARCHES = 1000;

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

/** That a mean of simulated numbers is the true one: off by so many standard errors it would be in 1 of 100,000. */
function assertMean(values: readonly number[], truth: number, what: string): void {
  const off = Math.abs(mean(values) - truth) / standardError(values);
  assert.ok(off <= 4.42, `${what}: ${mean(values)}, not ${truth}, by ${off} standard errors`);
}

test('bounds hold all order statistics at once as often as they state', () => {
  for (const n of [5, 20, 50]) {
    for (const confidence of [0.8, 0.95]) {
      const { low, high } = orderBounds(n, confidence);
      const own = stream('bounds', n, confidence);
      const held = times(SEARCHES, () => {
        const sorted = times(n, () => own.uniform()).sort((a, b) => a - b);
        return sorted.every((u, i) => (low[i] ?? 1) <= u && u <= (high[i] ?? 0));
      });
      assertNear(held, confidence, `${n} at ${confidence}`);
    }
  }
});

for (const [shape, { draw, best }] of Object.entries(searches)) {
  test(`the band of tuning curves holds the whole true curve of ${shape} scores with the confidence asked for`, () => {
    const trials = 6;
    const ns = [1, 2, 3, 4, 6, 10];
    const own = stream('search', shape);
    const curve = ns.map(best);
    const held = times(SEARCHES, () => {
      const { low, high } = expectedBestBand(
        times(trials, () => draw(own)),
        ns,
        { low: 0, high: 1 },
        0.8,
      );
      return curve.every((value, i) => (low[i] ?? 1) <= value + 1e-12 && value <= (high[i] ?? 0) + 1e-12);
    });
    assertAtLeast(held, 0.8, shape);
  });

  test(`of ${shape} scores the unbiased curve is right on average, and the other one low`, () => {
    const own = stream('curves', shape);
    const found = times(5 * SEARCHES, () => times(8, () => draw(own)));
    for (const n of [1, 3, 8]) {
      const [unbiased, low] = [unbiasedBest, expectedBest].map((of) => found.map((scores) => of(scores, n)));
      assert.ok(unbiased && low);
      assertMean(unbiased, best(n), `${n}`);
      if (n > 1) assert.ok(mean(low) < best(n), `${n}`);
    }
  });
}

test('the median best of n lies below the true one as often as order statistics say', () => {
  // Of uniform scores the best of 2 has its median at 2^(-1/2); that of 101 is their 72nd, since 71/101 is less than it and 72/101 not.
  const own = stream('median');
  const below = times(2 * SEARCHES, () => {
    const scores = times(101, () => own.uniform());
    return medianBest(scores, 2) <= Math.SQRT1_2;
  });
  assertNear(below, atLeastOf(101, Math.SQRT1_2, 72), 'the 72nd of 101');
});

/** Exponential with mean 1, watched until a time of its own between 0 and 3: about a third are censored. */
function lives(own: Stream, n: number) {
  return times(n, () => {
    const [time, end] = [-Math.log(1 - own.uniform()), 3 * own.uniform()];
    return { time: Math.min(time, end), happened: time <= end };
  });
}

test('Kaplan-Meier intervals hold the true survival 95 times in 100, with few runs at least 91, and estimates are right on average', () => {
  for (const n of [6, 10, 20, 60]) {
    for (const at of [0.05, 0.2, 0.4, 0.7, 1]) {
      const own = stream('lives', n, at);
      const found = times(2 * SEARCHES, () => kaplanMeier(lives(own, n)).findLast(({ time }) => time <= at));
      const truth = Math.exp(-at);
      const held = found.map((step) => step !== undefined && step.low <= truth && truth <= step.high);
      // Greenwood's variance is that of many events.
      if (n * (1 - truth) > 12) assertNear(held, 0.95, `${n} at ${at}`, 0.01);
      else assertAtLeast(held, 0.91, `${n} at ${at}`);
      // With fewer, all can be censored or gone before, and the estimate then stays where it was.
      if (n >= 20)
        assertMean(
          found.map((step) => step?.survival ?? 1),
          truth,
          `${n} at ${at}`,
        );
    }
  }
});

test('restricted means are right on average though a third of the runs are censored', () => {
  const own = stream('restricted');
  const found = times(SEARCHES, () => restrictedMean(lives(own, 60), 1.5));
  assertMean(found, 1 - Math.exp(-1.5), 'to 1.5');
});

test('the band of median curves holds the whole true curve with the confidence asked for', () => {
  const ns = [1, 2, 3, 4, 6, 10];
  const own = stream('median band');
  const held = times(SEARCHES, () => {
    const scores = times(6, () => own.uniform());
    const { low, high } = medianBestBand(scores, ns, { low: 0, high: 1 }, 0.8);
    return ns.every((n, i) => (low[i] ?? 1) <= 0.5 ** (1 / n) && 0.5 ** (1 / n) <= (high[i] ?? 0));
  }).filter(Boolean).length;
  assert.ok(held >= 0.8 * SEARCHES - 4 * Math.sqrt(0.16 * SEARCHES), `${held}`);
});
