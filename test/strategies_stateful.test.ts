/** What holds for strategies that remember: over many steps, on spikes, and after what isn't finite. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import { compileStep } from '../src/engine/compile-step.ts';
import { eager } from '../src/engine/eager.ts';
import { find, parts } from '../src/parts.ts';
import { adagc } from '../src/strategies/adagc.ts';
import { autoclip } from '../src/strategies/autoclip.ts';
import { clip21 } from '../src/strategies/clip21.ts';
import { norm_ema } from '../src/strategies/norm_ema.ts';
import { skip_large } from '../src/strategies/skip_large.ts';
import { skip_non_finite } from '../src/strategies/skip_non_finite.ts';
import { skip_spike } from '../src/strategies/skip_spike.ts';
import { u_clip } from '../src/strategies/u_clip.ts';
import { zclip } from '../src/strategies/zclip.ts';
import { group, join, pick } from '../src/tensors.ts';
import { train } from '../src/train/loop.ts';
import type { Cell, Engine, HostTensors, Options, Step, TransformPart } from '../src/types.ts';
import { choice, digitsCell, optimizer, strategy } from './support/cells.ts';
import { variants } from './support/choices.ts';
import { changed, gradients, pinned, thresholds } from './support/gradients.ts';
import { assertClose, assertNear, bitsOf, freed, hostTensor, normOf, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
before(() => loadBackend());

interface Seen {
  grads: HostTensors;
  state: HostTensors;
  info: Record<string, number>;
  skip: boolean;
}

/** Step after step, from the start. Where `workers` are given the gradients have an axis for them. */
function follow(part: TransformPart, options: Options, steps: HostTensors[], losses: number[] = [], workers?: number) {
  const { init, update } = transform(part, options);
  return freed(() => {
    const first = toTensors(steps[0] ?? {});
    const params =
      workers === undefined
        ? first
        : Object.fromEntries(Object.entries(first).map(([k, g]) => [k, tf.zeros(g.shape.slice(1))]));
    let state = init(params, workers);
    return steps.map((grads, step): Seen => {
      const out = update(toTensors(grads), { state, params, step, loss: losses[step] ?? 1 });
      state = out.state;
      return {
        grads: toHost(out.grads),
        state: toHost(state),
        info: Object.fromEntries(
          Object.entries(out.info ?? {}).map(([key, value]) => [key, Number(value.dataSync()[0])]),
        ),
        skip: out.skip?.dataSync()[0] === 1,
      };
    });
  });
}

/** One gradient times numbers that change from step to step. */
const sequences = fc
  .tuple(gradients, fc.array(fc.constantFrom(-30, -1, 0, 0.1, 0.5, 1, 2, 4), { minLength: 4, maxLength: 12 }))
  .map(([grads, factors]) => factors.map((factor) => changed(grads, (x) => factor * x)));

const few = { ...pinned, numRuns: 30 };

/** A gradient of this norm. */
const ofNorm = (norm: number): HostTensors => ({ g: hostTensor([], [norm]) });
const list = (grads: HostTensors) => normOf(...Object.values(grads));

/** As numpy.percentile; nearest as tfp.stats.percentile, which counts from the largest and rounds halves to the even place. */
function percentileOf(values: number[], percent: number, interpolation: string): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (percent / 100) * (sorted.length - 1);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  const share = rank - Math.floor(rank);
  if (interpolation === 'linear') return low + (high - low) * share;
  const last = sorted.length - 1;
  if (share === 0.5) return (last - Math.floor(rank)) % 2 === 0 ? low : high;
  return share < 0.5 ? low : high;
}

for (const percentile_interpolation of ['linear', 'nearest']) {
  test(`autoclip: the threshold is the percentile of the latest finite norms (${percentile_interpolation})`, () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 1e-3, 0.5, 1, 1, 2, 3, 70, 1e6, Number.NaN, Number.POSITIVE_INFINITY), {
          minLength: 1,
          maxLength: 14,
        }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(0, 12.5, 25, 50, 75, 100),
        (norms, window, percentile) => {
          const seen = follow(autoclip, { window, percentile, percentile_interpolation }, norms.map(ofNorm));
          norms.forEach((_, t) => {
            const finite = norms
              .slice(0, t + 1)
              .filter(Number.isFinite)
              .slice(-window);
            const wanted =
              finite.length === 0
                ? Number.POSITIVE_INFINITY
                : percentileOf(finite, percentile, percentile_interpolation);
            assertNear(seen[t]?.info.threshold, wanted, 1e-6 * wanted, `step ${t}`);
          });
        },
      ),
      pinned,
    ));
}

test('autoclip: at 100 percent nothing is ever clipped', () =>
  fc.assert(
    fc.property(sequences, (steps) => {
      for (const [t, { grads, info }] of follow(autoclip, { percentile: 100, window: 5 }, steps).entries()) {
        assert.deepEqual(bitsOf(grads), bitsOf(steps[t] ?? {}));
        assert.equal(info.clipped_fraction, 0);
      }
    }),
    few,
  ));

test('autoclip as PyTorch users have it: at 100 percent eps alone shortens, and never by more', () =>
  fc.assert(
    fc.property(sequences, (steps) => {
      const seen = follow(autoclip, { percentile: 100, window: 50, semantics: 'torch' }, steps);
      for (const [t, { grads }] of seen.entries()) {
        const norm = list(steps[t] ?? {});
        assert.ok(list(grads) <= norm && list(grads) >= (norm * norm) / (norm + 1e-6) / (1 + 4e-7), `${norm}`);
      }
    }),
    few,
  ));

test('autoclip as TensorFlow users have it: every tensor alone is clipped to the percentile of the global norms', () => {
  const at = (a: number, b: number) => ({ a: hostTensor([2], [0.6 * a, 0.8 * a]), b: hostTensor([1], [b]) });
  const seen = follow(autoclip, { percentile: 0, semantics: 'tf' }, [at(3, 4), at(4, 12), at(30, 40)]);
  assert.deepEqual(
    seen.map(({ info }) => info.threshold),
    [5, 5, 5],
  );
  const norms = seen.map(({ grads }) => Object.values(grads).map((g) => normOf(g)));
  [
    [3, 4],
    [4, 5],
    [5, 5],
  ].forEach((wanted, t) => {
    for (const [k, norm] of wanted.entries()) assertNear(norms[t]?.[k], norm, 1e-6 * norm);
  });
  assert.deepEqual(
    seen.map(({ info }) => info.clipped_fraction),
    [0, 0.5, 1],
  );
});

test('autoclip: below 100 percent a norm above all before it is clipped', () => {
  const seen = follow(autoclip, { percentile: 90 }, [1, 2, 4, 8].map(ofNorm));
  assert.deepEqual(
    seen.map(({ info }) => info.clipped_fraction),
    [0, 1, 1, 1],
  );
});

test('autoclip as PyTorch users have it: after a NaN every gradient is NaN as long as it is in the window', () => {
  const norms = [1, Number.NaN, 1, 1, 1].map(ofNorm);
  const seen = follow(autoclip, { semantics: 'torch', window: 3 }, norms);
  const poisoned = seen.map(({ grads }) => Number.isNaN(grads.g?.values[0]));
  assert.deepEqual(poisoned, [false, true, true, true, false]);
});

for (const mode of ['zscore', 'percentile']) {
  for (const clip_option of ['adaptive_scaling', 'mean']) {
    test(`zclip: norms that stay the same are never clipped (${mode}, ${clip_option})`, () =>
      fc.assert(
        fc.property(
          gradients,
          fc.constantFrom(2, 3, 7, 25),
          fc.constantFrom(0, 0.5, 0.9, 0.97),
          (grads, warmup, alpha) => {
            const steps = Array.from({ length: 60 }, () => grads);
            for (const { grads: out, info } of follow(zclip, { mode, clip_option, warmup, alpha }, steps)) {
              assert.equal(info.clipped_fraction, 0);
              assert.deepEqual(bitsOf(out), bitsOf(grads));
            }
          },
        ),
        { ...pinned, numRuns: 12 },
      ));
  }
}

test('zclip: a spike is shortened to what it says, and max_norm holds in the warm-up too', () => {
  const norms = [1, 1.1, 0.9, 1, 50, 1];
  const [, , , , spike] = follow(zclip, { warmup: 4 }, norms.map(ofNorm));
  assert.ok(spike !== undefined && spike.info.clipped_fraction === 1);
  assertNear(list(spike.grads), spike.info.limit ?? Number.NaN, 1e-6);
  assert.ok(list(spike.grads) < 1.5);
  for (const { grads } of follow(zclip, { warmup: 4, max_norm: 0.8 }, norms.map(ofNorm))) {
    assert.ok(list(grads) <= 0.8 * (1 + 4e-7));
  }
});

test('adagc: norms that together leave float32 in the warm-up leave no gamma of 0', () => {
  const seen = follow(
    adagc,
    { warmup: 1 },
    [3e38, 1].map((x) => ({ a: hostTensor([], [x]), b: hostTensor([], [x]) })),
  );
  assert.equal(list(seen[1]?.grads ?? {}), Math.SQRT2);
});

for (const semantics of ['safe', 'official', 'paper']) {
  for (const scope of ['tensor', 'global']) {
    test(`adagc (${semantics}, ${scope}): gamma never rises in the warm-up, and afterwards by no more than lambda`, () =>
      fc.assert(
        fc.property(sequences, fc.constantFrom(1.02, 1.5), (steps, lambda) => {
          const warmup = 4;
          const seen = follow(adagc, { lambda, warmup, scope, semantics, beta: 0.5 }, steps);
          const lastOfWarmup = semantics === 'paper' ? warmup - 1 : warmup;
          seen.slice(1).forEach(({ state, grads }, i) => {
            const before = seen[i]?.state.gamma?.values ?? new Float32Array();
            state.gamma?.values.forEach((gamma, k) => {
              const old = before[k] ?? Number.NaN;
              const largest = i + 1 < lastOfWarmup ? old : old * lambda * (1 + 4e-7);
              assert.ok(gamma <= largest, `step ${i + 1}: ${gamma} after ${old}`);
              const of = scope === 'tensor' ? Object.values(grads).slice(k, k + 1) : Object.values(grads);
              if (i + 1 >= lastOfWarmup) assert.ok(normOf(...of) <= old * lambda * (1 + 1e-6));
            });
          });
        }),
        few,
      ));
  }
}

test('adagc: a tensor whose gradient is 0 in the warm-up is not clipped to 0 afterwards', () => {
  const steps = [0, 0, 3, 4].map((norm) => ({ a: hostTensor([1], [norm]), b: hostTensor([1], [1]) }));
  const last = (semantics: string) =>
    follow(adagc, { warmup: 2, semantics }, steps).map(({ grads }) => grads.a?.values[0] ?? Number.NaN);
  assert.equal(last('safe')[2], 3);
  assertNear(last('safe')[3], 3 * 1.04, 1e-5);
  assert.deepEqual(last('official'), [0, 0, 0, 0]);
});

test('norm_ema: the first norm passes, and no later one is longer than ratio times the mean before it', () =>
  fc.assert(
    fc.property(sequences, fc.constantFrom('tensor', 'global'), (steps, scope) => {
      const seen = follow(norm_ema, { ratio: 1.5, scope }, steps);
      assert.deepEqual(bitsOf(seen[0]?.grads ?? {}), bitsOf(steps[0] ?? {}));
      seen.forEach(({ grads, info }, t) => {
        const threshold = info.threshold ?? Number.NaN;
        assert.ok(list(grads) <= threshold * (1 + 1e-6), `step ${t}: ${list(grads)} above ${threshold}`);
      });
    }),
    few,
  ));

for (const kind of ['value', 'norm']) {
  test(`u_clip (${kind}): what went out and what is carried add up to what came in`, () =>
    fc.assert(
      fc.property(sequences, thresholds, (steps, bound) => {
        const seen = follow(u_clip, { kind, bound }, steps);
        const carried = seen.at(-1)?.state ?? {};
        for (const [name, { values }] of Object.entries(steps[0] ?? {})) {
          values.forEach((_, i) => {
            const sum = (each: HostTensors[]) => each.reduce((total, one) => total + (one[name]?.values[i] ?? 0), 0);
            const came = sum(steps);
            const size = steps.reduce((total, one) => total + Math.abs(one[name]?.values[i] ?? 0), 0);
            const went = sum(seen.map(({ grads }) => grads)) + (carried[name]?.values[i] ?? Number.NaN);
            assertNear(went, came, 1e-6 * steps.length * size, `${name}, entry ${i}`);
          });
        }
      }),
      pinned,
    ));
}

/** The same gradient from each of the workers, times a factor. */
const fromWorkers = (grads: HostTensors, factors: number[]): HostTensors =>
  Object.fromEntries(
    Object.entries(grads).map(([name, { shape, values }]) => [
      name,
      hostTensor(
        [factors.length, ...shape],
        factors.flatMap((factor) => [...values].map((x) => factor * x)),
      ),
    ]),
  );

test('clip21: gradients that stay are reached, and then the mean of what came goes out', () =>
  fc.assert(
    fc.property(gradients, (grads) => {
      const factors = [1, -0.5, 0.25];
      const steps = Array.from({ length: 8 }, () => fromWorkers(grads, factors));
      // Between the norms of the second worker and the third.
      const max_norm = list(grads) === 0 ? 1 : list(grads) / 3;
      const seen = follow(clip21, { max_norm }, steps, [], 3);
      const last = seen.at(-1) ?? assert.fail('there is no step');
      const fractions = [seen[0], last].map((step) => step?.info.clipped_fraction);
      assert.deepEqual(fractions, [list(grads) === 0 ? 0 : Math.fround(2 / 3), 0]);
      for (const [name, tensor] of Object.entries(steps[0] ?? {})) {
        assertClose(last.state[name] ?? hostTensor([], []), tensor, 1e-6, name);
      }
      const mean = changed(grads, (x) => x * 0.25);
      for (const [name, tensor] of Object.entries(mean)) {
        assertClose(last.grads[name] ?? hostTensor([], []), tensor, 1e-6, name);
      }
    }),
    few,
  ));

test('clip21: where what was sent is the gradient, nothing changes any more, bit for bit', () => {
  const grads = fromWorkers({ g: hostTensor([3], [0.1, -2, 7]) }, [1, 3]);
  freed(() => {
    const { update } = transform(clip21, { max_norm: 0.01 });
    const params = { g: tf.zeros([3]) };
    const { state } = update(toTensors(grads), { state: toTensors(grads), params });
    assert.deepEqual(bitsOf(toHost(state)), bitsOf(grads));
  });
});

const remembering: [part: TransformPart, options: Options][] = [
  [autoclip, { window: 4 }],
  [zclip, { warmup: 3 }],
  [norm_ema, {}],
  [norm_ema, { scope: 'tensor' }],
  [skip_spike, { window: 4 }],
  [u_clip, { bound: 1 }],
  [u_clip, { bound: 1, kind: 'norm' }],
];

for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
  for (const [part, options] of remembering) {
    test(`${part.name} ${JSON.stringify(options)}: ${bad} goes through and is not remembered`, () => {
      const at = (x: number): HostTensors => ({ a: hostTensor([2], [x, 0.5]) });
      const steps = [1, 1.1, 0.9, 1, bad, 1.05].map(at);
      const seen = follow(part, options, steps);
      const entry = seen[4]?.grads.a?.values[0] ?? 0;
      // Clipped by value, an infinite entry is the bound.
      if (part === u_clip && options.kind === undefined && !Number.isNaN(bad)) assert.equal(Math.abs(entry), 1);
      else assert.ok(!Number.isFinite(entry), `${entry}`);
      assert.equal(seen[4]?.state.a?.values[0], seen[3]?.state.a?.values[0]);
      if (part !== u_clip) assert.deepEqual(seen[4]?.state, seen[3]?.state);
      for (const { values } of Object.values(seen[5]?.grads ?? {})) assert.ok(values.every(Number.isFinite));
    });
  }
}

test('adagc and clip21: what is not finite goes through and is not remembered', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const warmup of [2, 100]) {
      const steps = [1, 1, 1, bad, 1].map((x) => ({ a: hostTensor([2], [x, 0.5]), b: hostTensor([1], [1]) }));
      const seen = follow(adagc, { warmup }, steps);
      assert.ok(!Number.isFinite(seen[3]?.grads.a?.values[0]));
      assert.equal(seen[3]?.state.gamma?.values[0], seen[2]?.state.gamma?.values[0]);
      assert.ok(seen[4]?.grads.a?.values.every(Number.isFinite));
      assert.ok(list(seen[4]?.grads ?? {}) > 0.5);
    }
    const steps = [1, bad, 1].map((x) => ({ a: hostTensor([2, 2], [1, 2, x, 4]) }));
    const seen = follow(clip21, { max_norm: 0.5 }, steps, [], 2);
    assert.ok(!Number.isFinite(seen[1]?.grads.a?.values[0]));
    for (const { state } of seen) assert.ok(state.a?.values.every(Number.isFinite));
  }
});

test('gradients of 1e30 are clipped as the same gradients of ordinary size', () => {
  const norms = [1, 1.2, 0.9, 1, 1.1, 20, 1, 3];
  const many: [TransformPart, (scale: number) => Options][] = [
    [autoclip, () => ({ window: 5, percentile: 50 })],
    [zclip, () => ({ warmup: 4 })],
    [norm_ema, () => ({})],
    [adagc, (scale) => ({ warmup: 3, max_norm: scale })],
    [u_clip, (scale) => ({ bound: scale })],
    [u_clip, (scale) => ({ bound: scale, kind: 'norm' })],
    [skip_spike, () => ({ window: 6 })],
  ];
  for (const [part, optionsAt] of many) {
    const [ordinary = [], huge = []] = [1e3, 1e30].map((scale) =>
      follow(
        part,
        optionsAt(scale),
        norms.map((norm) => ({ a: hostTensor([2], [0.6 * norm * scale, -0.8 * norm * scale]) })),
      ).map(({ grads, info, skip }) => ({ a: grads.a?.values[0] ?? Number.NaN, of: scale, info, skip })),
    );
    assert.ok(
      ordinary.some(({ info }) => info.clipped_fraction !== 0),
      part.name,
    );
    ordinary.forEach(({ a, info, skip }, t) => {
      assertNear((huge[t]?.a ?? 0) / 1e30, a / 1e3, 1e-5, `${part.name} at step ${t}`);
      assert.equal(huge[t]?.info.clipped_fraction, info.clipped_fraction);
      assert.equal(huge[t]?.skip, skip);
    });
  }
});

test('skip_spike: a loss or a norm far above the latest is left out, and one far below is not', () => {
  const calm = [1, 1.1, 0.9, 1, 1.05, 0.95];
  const left = (losses: number[], norms: number[]) =>
    follow(skip_spike, { window: 6 }, norms.map(ofNorm), losses).map(({ skip }) => skip);
  assert.deepEqual(left([...calm, 9], [...calm, 1]).at(-1), true);
  assert.deepEqual(left([...calm, 1], [...calm, 9]).at(-1), true);
  assert.deepEqual(left([...calm, -9], [...calm, 1e-3]).at(-1), false);
  assert.deepEqual(left([...calm, Number.NaN], [...calm, 1]).at(-1), true);
  assert.ok(left(calm, calm).every((skip) => !skip));
});

test('skip_spike: after a single step OLMo-core leaves out the next, whatever it is; safe waits for two', () => {
  const skips = (semantics: string) =>
    follow(skip_spike, { window: 2, semantics }, [1, 1, 1].map(ofNorm)).map(({ skip }) => skip);
  assert.deepEqual(skips('olmo'), [false, true, false]);
  assert.deepEqual(skips('safe'), [false, false, false]);
});

test('skip_non_finite: entries that are finite are no reason, also where their norm is not', () => {
  const [huge, bad] = [3e38, Number.NaN].map((x) => ({ g: hostTensor([4], [x, x, x, x]) }));
  const seen = follow(
    skip_non_finite,
    { max_consecutive: 1 },
    [huge, bad, bad, huge, bad].flatMap((g) => g ?? []),
  );
  assert.deepEqual(
    seen.map(({ skip }) => skip),
    [false, true, false, false, true],
  );
  assert.deepEqual(
    seen.map(({ info }) => info.total_non_finite),
    [0, 1, 2, 2, 3],
  );
});

interface Watched {
  row: Record<string, number>;
  before: Record<string, HostTensors>;
  after: Record<string, HostTensors>;
}

/** A run step by step, with what was learned before and after each. */
function watched(cell: Cell): Watched[] {
  const seen: Watched[] = [];
  const engine: Engine = {
    ...eager,
    train(...given) {
      const run = eager.train(...given);
      const learned = () =>
        Object.fromEntries(['params', 'optimizer', 'model', 'strategy'].map((name) => [name, run.read(name)]));
      const once = (inputs: HostTensors) => {
        const before = learned();
        const [row = {}] = run.call([inputs]);
        seen.push({ row, before, after: learned() });
        return row;
      };
      return { ...run, call: (steps) => steps.map(once) };
    },
  };
  train(cell, () => 0, engine);
  return seen;
}

const skipping: [options: Options, part: TransformPart, spike_factor: number][] = [
  [{ max_consecutive: 2 }, skip_non_finite, Number.POSITIVE_INFINITY],
  // A spike that was left out is in the window too: it has to be out of it before the next.
  [{ window: 3, sigma: 50 }, skip_spike, 1e6],
  [{ window: 4, sigma: 50 }, skip_spike, Number.POSITIVE_INFINITY],
  [{ max_norm: 1e4 }, skip_large, 1e6],
  [{ max_norm: 1e4 }, skip_large, Number.POSITIVE_INFINITY],
];
for (const [options, { name }, spike_factor] of skipping) {
  test(`${name}: a step with a gradient times ${spike_factor} leaves weights and states bit for bit as they were`, () => {
    const cell = digitsCell({
      model: choice(parts.models, 'mlp', { hidden: [4], norm: 'batch' }),
      optimizer: optimizer('adam'),
      strategy: [strategy(name, options)],
      steps: 12,
      // Longer than the window, in which a spike stays for its time.
      spike_every: 6,
      spike_factor,
    });
    const steps = watched(cell);
    assert.equal(steps.length, 12);
    for (const [t, { row, before, after }] of steps.entries()) {
      const isSpike = (t + 1) % 6 === 0;
      assert.equal(row['info.clipped_fraction'], isSpike ? 1 : 0, `step ${t}`);
      for (const what of ['params', 'optimizer', 'model']) {
        const [one, other] = [before[what] ?? {}, after[what] ?? {}].map(bitsOf);
        assert.ok(Object.keys(one ?? {}).length > 0, `there is a state of ${what}`);
        if (isSpike) assert.deepEqual(other, one, `${what} at step ${t}`);
        else assert.notDeepEqual(other, one, `${what} at step ${t}`);
      }
    }
  });
}

/** Short windows, so that all that can happen does. */
const short: Record<string, Options> = {
  autoclip: { window: 4, percentile: 50 },
  zclip: { warmup: 3, max_norm: 1e4 },
  adagc: { warmup: 3 },
  skip_spike: { window: 6 },
  skip_non_finite: { max_consecutive: 1 },
};
const stateful = [adagc, autoclip, clip21, norm_ema, skip_non_finite, skip_spike, u_clip, zclip];

test('compiled, the bits are those of the eager engine: spikes, zeros, overflow, what is not finite, and full windows', {
  skip: backend !== 'native' && `compiling needs the native backend (${reason})`,
}, () => {
  const factors = [
    1,
    1.1,
    0.9,
    1,
    1.05,
    40,
    1,
    0,
    1e30,
    3e38,
    Number.NaN,
    1,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    1.2,
    0.8,
    1e-30,
    1,
  ];
  for (const part of stateful) {
    const workers = part.needs === 'micro_batch' ? 2 : undefined;
    const inputs = factors.map((factor, t) => ({
      ...join({
        grads: Object.fromEntries(
          Object.entries({ w: [3, 2], b: [] }).map(([name, shape], k) => {
            const full = workers === undefined ? shape : [workers, ...shape];
            const size = full.reduce((n, m) => n * m, 1);
            return [
              name,
              hostTensor(
                full,
                Array.from({ length: size }, (_, i) => factor * Math.cos(i + 5 * k + t)),
              ),
            ];
          }),
        ),
      }),
      loss: hostTensor([], [t === 14 ? 90 : 1 + 0.1 * Math.cos(t)]),
    }));
    for (const options of variants(part)) {
      const { init, update } = transform(part, { ...options, ...short[part.name] });
      const params = { w: tf.ones([3, 2]), b: tf.scalar(1) };
      const step: Step = (state, given) => {
        const loss = pick(given, 'loss').asScalar();
        const { grads, state: next, info = {}, skip } = update(group(given, 'grads'), { state, params, loss });
        const sums = Object.entries(grads).map(([name, g]): [string, tf.Scalar] => [name, g.sum().asScalar()]);
        return {
          state: next,
          scalars: { ...info, ...Object.fromEntries(sums), ...(skip && { skip: skip.toFloat().asScalar() }) },
        };
      };
      const oneByOne = eager.train('', step, init(params, workers), {});
      const compiled = compileStep(step, init(params, workers), { inputs: toTensors(inputs[0] ?? {}) });
      assert.deepEqual(compiled.call(inputs), oneByOne.call(inputs), `${part.name} ${JSON.stringify(options)}`);
      compiled.dispose();
      oneByOne.dispose();
    }
  }
});

/** Those on gradients of examples are compiled in strategies_engines.test.ts, and with a model in examples_gradient.test.ts. */
test('every other strategy with a state is among those that are compiled here', () => {
  const found = freed(() =>
    parts.strategies.filter((part) => {
      if (part.needs === 'example') return false;
      const { init } = transform(find(parts.strategies, part.name), variants(part)[0] ?? {});
      return Object.keys(init({ w: tf.zeros([2]) }, 1)).length > 0;
    }),
  );
  assert.deepEqual(found.map(({ name }) => name).sort(), stateful.map(({ name }) => name).sort());
});
