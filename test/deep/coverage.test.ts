/**
 * Simulated studies of which the truth is known: how often an interval holds it. Streams are seeded, so every count is the same on every
 * call; what chance allows is in support/binomial.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stream } from '../../src/engine/random.ts';
import { stratifiedBootstrap } from '../../src/stats/bootstrap.ts';
import { hodgesLehmann } from '../../src/stats/hodges-lehmann.ts';
import { interquartileMean } from '../../src/stats/scores.ts';
import { wilson } from '../../src/stats/wilson.ts';
import { assertAtLeast, assertNear, leastOf } from '../support/binomial.ts';
import { mean, nulls, PAIRS, STUDIES, times } from '../support/simulated.ts';

test('the Hodges-Lehmann interval holds the centre with the confidence that it states', () => {
  for (const [shape, draw] of Object.entries(nulls)) {
    for (const n of PAIRS) {
      const own = stream('centre', shape, n);
      const centre = shape === 'tied' ? 0 : 0.7;
      // So many that an interval of one rank less would show.
      const shifts = times(5 * STUDIES, () => hodgesLehmann(times(n, () => draw(own) + centre)));
      const [confidence = 0] = shifts.map((shift) => shift.confidence);
      assert.ok(confidence >= 0.95 && confidence < 1);
      const held = shifts.map(({ low, high }) => low <= centre && centre <= high);
      assertAtLeast(held, confidence, `${shape}, ${n} pairs`);
      if (shape === 'normal' || shape === 'heavy-tailed') assertNear(held, confidence, `${shape}, ${n} pairs`);
    }
  }
});

test('around the median of differences that lean, the Hodges-Lehmann interval is too narrow, as its docstring says', () => {
  const own = stream('leaning', 'interval');
  const held = times(STUDIES, () => {
    const { low, high } = hodgesLehmann(times(30, () => Math.exp(own.normal()) - 1));
    return low <= 0 && 0 <= high;
  });
  assert.ok(held.filter(Boolean).length < leastOf(STUDIES, 0.95));
});

/** Exactly, from the binomial distribution: how often Wilson's interval from n runs holds the rate p. */
function wilsonCoverage(n: number, p: number): number {
  let probability = (1 - p) ** n;
  let held = 0;
  for (let k = 0; k <= n; k++) {
    const { low, high } = wilson(k, n);
    if (low <= p && p <= high) held += probability;
    probability *= (((n - k) / (k + 1)) * p) / (1 - p);
  }
  return held;
}

test('Wilson intervals hold the rate 95 times in 100 on average over all rates, though not at every single one', () => {
  // Agresti & Coull 1998, American Statistician 52, and Brown, Cai & DasGupta 2001, Statistical Science 16: the mean over rates is close to
  // what is stated, single rates close to 0 or 1 fall to 0.83.
  for (const n of [...PAIRS, 50]) {
    const coverages = times(2000, (i) => wilsonCoverage(n, (i + 0.5) / 2000));
    const average = mean(coverages);
    assert.ok(average >= 0.95 && average <= 0.962, `${average} of ${n}`);
    const least = Math.min(...coverages);
    assert.ok(least > 0.82 && least < 0.9, `least ${least} of ${n}`);
    const own = stream('rates', n);
    const held = times(STUDIES, () => {
      const rate = own.uniform();
      const { low, high } = wilson(times(n, () => own.uniform()).filter((u) => u < rate).length, n);
      return low <= rate && rate <= high;
    });
    assertNear(held, average, `simulated, ${n} runs`);
  }
});

test('bootstrap intervals of the interquartile mean are too narrow by what theory says, and little from ten runs on', () => {
  // Five tasks of several levels, symmetric, so that the true interquartile mean is 0.
  const tasks = [-1, -0.5, 0, 0.5, 1];
  const studies = 1000;
  // A resample's variance is (n - 1) / n of the unbiased one (Efron & Tibshirani 1993, 5.3), so that 1.96 standard errors become
  // 1.96 sqrt((n - 1) / n) of them: normal probabilities of that many. That is for means; an interquartile mean is allowed a hundredth.
  for (const [n, stated] of [
    [3, 0.8904],
    [5, 0.9204],
    [10, 0.937],
    [20, 0.9439],
  ] as const) {
    const own = stream('bootstrap', n);
    const held = times(studies, () => {
      const scores = tasks.map((level) => times(n, () => level + own.normal()));
      const how = { uniform: own.uniform, replicates: 400 };
      const [interval] = stratifiedBootstrap(scores, (drawn) => [interquartileMean(drawn)], how);
      return interval !== undefined && interval.low <= 0 && 0 <= interval.high;
    });
    assertNear(held, stated, `${n} runs a task`, 0.01);
    if (n === 3) assert.ok(held.filter(Boolean).length < leastOf(studies, 0.95), 'three runs are too few');
  }
});
