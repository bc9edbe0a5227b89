/**
 * Simulated studies in which nothing is true, or in which the truth is known: how often the exact tests err. Streams are seeded, so every
 * count is the same on every call; what chance allows is in support/binomial.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stream } from '../../src/engine/random.ts';
import { detectableEffect } from '../../src/stats/detectable.ts';
import { equivalence } from '../../src/stats/equivalence.ts';
import { holm } from '../../src/stats/holm.ts';
import { mcnemar } from '../../src/stats/mcnemar.ts';
import { signFlipP } from '../../src/stats/sign-flip.ts';
import { signedRank } from '../../src/stats/signed-rank.ts';
import type { Stream } from '../../src/types.ts';
import { assertAtLeast, assertAtMost, assertNear, leastOf, mostOf } from '../support/binomial.ts';
import { nulls, PAIRS, STUDIES, sum, times } from '../support/simulated.ts';

const LEVELS = [0.01, 0.05, 0.1];

test('what chance allows is what scipy.stats.binom.isf and ppf give', () => {
  for (const [n, p, least, most] of [
    [2000, 0.05, 61, 144],
    [2000, 0.01, 4, 42],
    [1000, 0.8, 744, 852],
    [2000, 1 - 2 / 64, 1902, 1968],
  ] as const)
    assert.deepEqual([leastOf(n, p), mostOf(n, p)], [least, most]);
});

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
            ps.map((p) => p <= level),
            level,
            `${name}, ${what}`,
          );
        if (shape === 'normal' || shape === 'heavy-tailed')
          assertNear(
            ranked.map((p) => p <= level),
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
      const wrong = families.map((adjusted) => adjusted.slice(effects).some((p) => p <= 0.05));
      assertAtMost(wrong, 0.05, `${m} comparisons, ${effects} with an effect`);
      if (effects > 0)
        assertAtLeast(
          families.map(([first = 1]) => first <= 0.05),
          0.5,
          'effects are found',
        );
    }
    const raw = stream('family', m, 'raw');
    const any = times(STUDIES, () => times(m, () => signedRank(times(n, () => raw.normal())).p).some((p) => p <= 0.05));
    // Without the adjustment it is several times that, so the simulation can tell.
    assert.ok(any.filter(Boolean).length > mostOf(STUDIES, 0.05), 'unadjusted p values err more often');
  }
});

test('on differences that lean to one side the signed-rank test errs more often, as its docstring says, the signs alone do not', () => {
  for (const n of [16, 30]) {
    const own = stream('leaning', n);
    // Lognormal around its median.
    const studies = times(STUDIES, () => times(n, () => Math.exp(own.normal()) - 1));
    const ranked = studies.map((differences) => signedRank(differences).p <= 0.05);
    assert.ok(ranked.filter(Boolean).length > mostOf(STUDIES, 0.05), `${n}`);
    assertAtMost(
      studies.map((d) => mcnemar(d.filter((x) => x > 0).length, d.filter((x) => x < 0).length) <= 0.05),
      0.05,
      `signs of ${n}`,
    );
    // Where the two arms are alike, leaning scores give differences that do not lean.
    const alike = times(STUDIES, () => times(n, () => Math.exp(own.normal()) - Math.exp(own.normal())));
    assertAtMost(
      alike.map((differences) => signedRank(differences).p <= 0.05),
      0.05,
      `alike, ${n}`,
    );
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
          ps.map((p) => p <= level),
          level,
          `${n} pairs, ${chance} diverge, at ${level}`,
        );
    }
  }
});

test('an effect that is called detectable is found four times in five', () => {
  for (const [n, level] of [
    [8, 0.05],
    [16, 0.0025],
  ] as const) {
    const effect = detectableEffect(n, level, stream('detectable', n));
    const own = stream('found', n);
    const found = times(STUDIES, () => signedRank(times(n, () => own.normal() + effect)).p <= level);
    // The one inside is simulated as well: its share of 2,000 is off by five standard deviations in less than 1 of 10^6.
    assertNear(found, 0.8, `${n} seeds`, 5 * Math.sqrt((0.8 * 0.2) / 2000));
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
    for (const centre of [1, -1]) {
      const ps = at(centre);
      for (const level of LEVELS) {
        const wrong = ps.filter((p) => p <= level).length;
        assert.ok(wrong <= mostOf(STUDIES, level), `${wrong} of ${n} pairs around ${centre} at ${level}`);
      }
    }
    if (n === 16) {
      const found = at(0).filter((p) => p <= 0.05).length;
      assert.ok(found > 0.9 * STUDIES, `${found} found`);
    }
  }
});
