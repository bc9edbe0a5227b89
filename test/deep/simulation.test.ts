/**
 * Simulated studies in which nothing is true, or in which the truth is known: how often a test errs, and how often an interval holds
 * the truth. Streams are seeded, so every count is the same on every call; bounds are four standard deviations of a count.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stream } from '../../src/engine/random.ts';
import { stratifiedBootstrap } from '../../src/stats/bootstrap.ts';
import { detectableEffect } from '../../src/stats/detectable.ts';
import { equivalence } from '../../src/stats/equivalence.ts';
import { hodgesLehmann } from '../../src/stats/hodges-lehmann.ts';
import { holm } from '../../src/stats/holm.ts';
import { mcnemar } from '../../src/stats/mcnemar.ts';
import { interquartileMean } from '../../src/stats/scores.ts';
import { signFlipP } from '../../src/stats/sign-flip.ts';
import { signedRank } from '../../src/stats/signed-rank.ts';
import { wilson } from '../../src/stats/wilson.ts';
import type { Stream } from '../../src/types.ts';

const STUDIES = 2000;
const PAIRS = [6, 10, 16];
const LEVELS = [0.01, 0.05, 0.1];

/** Differences whose distribution is symmetric around 0. */
const nulls: Record<string, (draw: Stream) => number> = {
  normal: (draw) => draw.normal(),
  // Cauchy: not even a mean.
  'heavy-tailed': (draw) => draw.normal() / draw.normal(),
  // -3 to 3, a fifth of them 0.
  tied: (draw) => Math.round(1.8 * draw.normal()),
  // One in four diverged on either side.
  diverging: (draw) => [draw.normal(), draw.normal(), Infinity, -Infinity][Math.floor(4 * draw.uniform())] ?? 0,
};

const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, index) => make(index));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
/** Four standard deviations of a share of `n`. */
const four = (share: number, n = STUDIES) => 4 * Math.sqrt((share * (1 - share)) / n);
const shareOf = <T>(all: readonly T[], holds: (one: T) => boolean) => all.filter(holds).length / all.length;

function assertAtMost(share: number, level: number, what: string, n = STUDIES): void {
  assert.ok(share <= level + four(level, n), `${what}: ${share}, more than ${level} by more than chance`);
}
function assertAtLeast(share: number, level: number, what: string, n = STUDIES): void {
  assert.ok(share >= level - four(level, n), `${what}: ${share}, less than ${level} by more than chance`);
}
const assertNear = (share: number, expected: number, what: string, n = STUDIES, more = 0) =>
  assert.ok(Math.abs(share - expected) <= four(expected, n) + more, `${what}: ${share}, not ${expected}`);

/** P(p <= level) of the signed-rank test without ties: by counting sign patterns of ranks 1 to n, one by one. */
function sizeOf(n: number, level: number): number {
  const sums = times(2 ** n, (pattern) => sum(times(n, (bit) => (Math.floor(pattern / 2 ** bit) % 2) * (bit + 1))));
  const counts = new Map<number, number>();
  for (const own of sums) counts.set(own, (counts.get(own) ?? 0) + 1);
  let size = 0;
  let tail = 0;
  for (let own = 0; 2 * own < (n * (n + 1)) / 2; own++) {
    tail += (counts.get(own) ?? 0) / sums.length;
    if (2 * tail <= level) size = 2 * tail;
  }
  return size;
}

for (const [shape, draw] of Object.entries(nulls)) {
  test(`signedRank and signFlipP keep their level on ${shape} differences without a centre`, () => {
    for (const n of PAIRS) {
      const own = stream('null', shape, n);
      const studies = times(STUDIES, () => times(n, () => draw(own)));
      const ranked = studies.map((differences) => signedRank(differences).p);
      // The signs alone, and whole sizes as weights, those without bound being as large as can be.
      const taking = studies.map((differences) => differences.filter((d) => d !== 0));
      const signs = taking.map((d) => signFlipP(new Array<number>(d.length).fill(1), d.filter((x) => x > 0).length));
      const sized = taking.map((d) => {
        const weights = d.map((x) => Math.ceil(Math.min(20, 5 * Math.abs(x))));
        return signFlipP(weights, sum(weights.filter((_, i) => (d[i] ?? 0) > 0)));
      });
      for (const level of LEVELS) {
        const what = `${shape}, ${n} pairs at ${level}`;
        for (const [name, ps] of Object.entries({ ranked, signs, sized }))
          assertAtMost(
            shareOf(ps, (p) => p <= level),
            level,
            `${name}, ${what}`,
          );
        if (shape === 'normal' || shape === 'heavy-tailed')
          assertNear(
            shareOf(ranked, (p) => p <= level),
            sizeOf(n, level),
            what,
          );
      }
    }
  });
}

/** A study of `m` strategies against one baseline: the comparisons depend on each other. The first ones have an effect. */
function family(own: Stream, { m, n, effects }: { m: number; n: number; effects: number }): number[] {
  const baseline = times(n, () => own.normal());
  const ps = times(m, (k) => signedRank(baseline.map((value) => own.normal() + (k < effects ? 2 : 0) - value)).p);
  return holm(ps);
}

test('after Holm at most one family in twenty has any false verdict, also where some comparisons have an effect', () => {
  for (const [m, n] of [
    [5, 10],
    [20, 16],
  ] as const) {
    for (const effects of [0, Math.floor(m / 2)]) {
      const own = stream('family', m, effects);
      const families = times(STUDIES, () => family(own, { m, n, effects }));
      const wrong = shareOf(families, (adjusted) => adjusted.slice(effects).some((p) => p <= 0.05));
      assertAtMost(wrong, 0.05, `${m} comparisons, ${effects} with an effect`);
      // Without the adjustment it would be several times that, so the simulation can tell.
      if (effects > 0)
        assert.ok(shareOf(families, (adjusted) => (adjusted[0] ?? 1) <= 0.05) > 0.5, 'effects are found');
    }
    const raw = stream('family', m, 'raw');
    const any = times(STUDIES, () => times(m, () => signedRank(times(n, () => raw.normal())).p).some((p) => p <= 0.05));
    assert.ok(shareOf(any, (one) => one) > 0.05 + four(0.05), 'unadjusted p values err more often');
  }
});

test('the Hodges-Lehmann interval holds the centre with the confidence that it states', () => {
  for (const [shape, draw] of Object.entries(nulls)) {
    for (const n of PAIRS) {
      const own = stream('centre', shape, n);
      const centre = shape === 'tied' ? 0 : 0.7;
      const shifts = times(STUDIES, () => hodgesLehmann(times(n, () => draw(own) + centre)));
      const [confidence = 0] = shifts.map((shift) => shift.confidence);
      assert.ok(confidence >= 0.95 && confidence < 1);
      const held = shareOf(shifts, ({ low, high }) => low <= centre && centre <= high);
      assertAtLeast(held, confidence, `${shape}, ${n} pairs`);
      if (shape === 'normal' || shape === 'heavy-tailed') assertNear(held, confidence, `${shape}, ${n} pairs`);
    }
  }
});

test('equivalence keeps its level where the centre lies on the margin, and finds what lies well within', () => {
  for (const n of PAIRS) {
    const own = stream('margin', n);
    const at = (centre: number) =>
      times(STUDIES, () =>
        equivalence(
          times(n, () => own.normal() + centre),
          1,
        ),
      );
    for (const level of LEVELS) {
      for (const centre of [1, -1]) {
        const what = `${n} pairs around ${centre} at ${level}`;
        assertAtMost(
          shareOf(at(centre), (p) => p <= level),
          level,
          what,
        );
      }
    }
    if (n === 16) {
      const found = shareOf(at(0), (p) => p <= 0.05);
      assert.ok(found > 0.9, `found ${found}`);
    }
  }
});

test('McNemar keeps its level where both arms diverge alike', () => {
  for (const n of [...PAIRS, 40]) {
    for (const chance of [0.1, 0.5]) {
      const own = stream('mcnemar', n, chance);
      const ps = times(STUDIES, () => {
        const outcomes = times(n, () => [own.uniform() < chance, own.uniform() < chance]);
        return mcnemar(outcomes.filter(([a, b]) => a && !b).length, outcomes.filter(([a, b]) => b && !a).length);
      });
      for (const level of LEVELS)
        assertAtMost(
          shareOf(ps, (p) => p <= level),
          level,
          `${n} pairs, ${chance} diverge, at ${level}`,
        );
    }
  }
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
    const mean = sum(coverages) / coverages.length;
    assert.ok(mean >= 0.95 && mean <= 0.962, `mean ${mean} of ${n}`);
    const least = Math.min(...coverages);
    assert.ok(least > 0.82 && least < 0.9, `least ${least} of ${n}`);
    const own = stream('rates', n);
    const held = times(STUDIES, () => {
      const rate = own.uniform();
      const { low, high } = wilson(times(n, () => own.uniform()).filter((u) => u < rate).length, n);
      return low <= rate && rate <= high;
    });
    assertNear(
      shareOf(held, (one) => one),
      mean,
      `simulated, ${n} runs`,
    );
  }
});

test('bootstrap intervals of the interquartile mean are too narrow by what theory says, and little from ten runs on', () => {
  // Five tasks of several levels, symmetric, so that the true interquartile mean is 0.
  const tasks = [-1, -0.5, 0, 0.5, 1];
  const studies = 1000;
  // A resample's variance is (n - 1) / n of the unbiased one (Efron & Tibshirani 1993, 5.3), so that 1.96 standard errors become
  // 1.96 sqrt((n - 1) / n) of them: normal probabilities of that many.
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
    const share = shareOf(held, (one) => one);
    assertNear(share, stated, `${n} runs a task`, studies, 0.01);
    if (n === 3) assert.ok(share < 0.95 - four(0.95, studies), 'three runs are too few');
  }
});

test('an effect that is called detectable is found four times in five', () => {
  for (const [n, level] of [
    [8, 0.05],
    [16, 0.0025],
  ] as const) {
    const effect = detectableEffect(n, level, stream('detectable', n));
    const own = stream('found', n);
    const ps = times(STUDIES, () => signedRank(times(n, () => own.normal() + effect)).p);
    // Both sides are simulated: the one inside with 2,000 draws as well.
    assertNear(
      shareOf(ps, (p) => p <= level),
      0.8,
      `${n} seeds`,
      STUDIES / 2,
    );
  }
});
