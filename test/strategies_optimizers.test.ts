/** What holds for optimizers that clip, for the order of clipping and momentum, and for clipping inside back-propagation. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { find, parts } from '../src/parts.ts';
import { group, join, mapTensors, pick } from '../src/tensors.ts';
import { assemble } from '../src/train/assemble.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { train } from '../src/train/loop.ts';
import {
  type Cell,
  type Engine,
  type HostTensors,
  type Options,
  places,
  type Step,
  type Tensors,
} from '../src/types.ts';
import { addingCell, choice, curve, digitsCell, optimizer, strategy, trained } from './support/cells.ts';
import { optionsOf, variants } from './support/choices.ts';
import { descend } from './support/fed_gradients.ts';
import { changed, gradients, pinned } from './support/gradients.ts';
import { assertNear, bitsOf, freed, hostTensor, normOf, shapesOf, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };
before(() => loadBackend());

interface Seen {
  update: HostTensors;
  state: HostTensors;
  info: Record<string, number>;
}

/** Updates step by step, of weights that stay 1. */
function follow(name: string, options: Options, steps: HostTensors[], rates: number[] = []): Seen[] {
  const { init, update } = transform(find(parts.optimizers, name), options);
  return freed(() => {
    const params = toTensors(changed(steps[0] ?? {}, () => 1));
    let state = init(params);
    return steps.map((grads, step) => {
      const out = update(toTensors(grads), { params, state, step, learning_rate: rates[step] ?? 0.5 });
      state = out.state;
      const infos = Object.entries(out.info ?? {}).map(([key, value]) => [key, Number(value.dataSync()[0])]);
      return { update: toHost(out.grads), state: toHost(state), info: Object.fromEntries(infos) };
    });
  });
}

/** One gradient times numbers that change from step to step. */
const sequences = fc
  .tuple(gradients, fc.array(fc.constantFrom(-30, -1, 0, 0.1, 0.5, 1, 2, 4), { minLength: 4, maxLength: 12 }))
  .map(([grads, factors]) => factors.map((factor) => changed(grads, (x) => factor * x)));
const few = { ...pinned, numRuns: 12 };
const forSequences = (check: (steps: HostTensors[]) => void) => fc.assert(fc.property(sequences, check), few);

const flat = (tensors: HostTensors) => Object.values(tensors).flatMap(({ values }) => [...values]);
const norm = (tensors: HostTensors) => normOf(...Object.values(tensors));
/** Bit for bit. What assert.deepEqual would say of a difference takes minutes. */
const assertSame = (got: HostTensors, wanted: HostTensors) =>
  assert.ok(
    isDeepStrictEqual(bitsOf(got), bitsOf(wanted)),
    `${shapesOf(got)}: ${flat(got)} instead of ${flat(wanted)}`,
  );
/** Entries of one gradient, step by step. */
const entriesOver = (...steps: number[][]): HostTensors[] =>
  steps.map((values) => ({ g: hostTensor([values.length], values) }));

const linear: [name: string, options: Options][] = [
  // Decay after the step takes of the step too.
  ['spam', { reset_every: 4, warmup: 2, clip_from: 1, theta: 20 }],
  ['stable_spam', { reset_every: 4, weight_decay: 0.1 }],
  ['stable_spam', { reset_every: 4, semantics: 'official' }],
  ['stable_adamw', { weight_decay: 0.1 }],
  ['acclip', { alpha: 2 }],
];
for (const [name, options] of linear) {
  test(`${name} ${JSON.stringify(options)}: rates may change: twice the rate is twice the update, and the state doesn't see it`, () =>
    forSequences((steps) => {
      const [one, two] = [1, 2].map((k) =>
        follow(
          name,
          options,
          steps,
          steps.map((_, t) => k * 2 ** (t % 3)),
        ),
      );
      one?.forEach(({ update, state }, t) => {
        flat(update).forEach((u, i) => {
          assert.ok(Object.is(flat(two?.[t]?.update ?? {})[i], 2 * u), `entry ${i} at step ${t}: ${u}`);
        });
        assertSame(two?.[t]?.state ?? {}, state);
      });
    }));
}

const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weight_decay: 0.01 };

test('spam: without spikes, resets, decay and an epsilon that matters it is adam, bit for bit', () =>
  forSequences((steps) => {
    const own = { ...adam, epsilon: 1e-30, weight_decay: 0 };
    const plain = follow('adamw', own, steps);
    follow('spam', { ...own, theta: 1e30, reset_every: 1000 }, steps).forEach(({ update }, t) => {
      assertSame(update, plain[t]?.update ?? {});
    });
  }));

test('spam: what Adam sees is at most the root of theta times the mean square before, in the same direction', () =>
  forSequences((steps) => {
    const theta = 20;
    // Without memory the running mean is what Adam sees.
    const seen = follow('spam', { ...adam, beta1: 0, theta, clip_from: 2 }, steps);
    seen.forEach(({ state, info }, t) => {
      const given = flat(steps[t] ?? {});
      const squares = t === 0 ? given.map(() => 0) : flat(group(seen[t - 1]?.state ?? {}, 'square'));
      let touched = 0;
      flat(group(state, 'mean')).forEach((got, i) => {
        const [g = Number.NaN, v = Number.NaN] = [given[i], squares[i]];
        const bound = Math.sqrt(theta * v);
        const isSpike = t >= 1 && v > 0 && Math.abs(g) > bound * (1 + 1e-6);
        if (isSpike) touched += 1;
        assertNear(got, isSpike ? Math.sign(g) * bound : g, 1e-6 * Math.abs(g), `entry ${i} at step ${t}`);
      });
      assertNear(info.clipped_fraction, touched / given.length, 1e-6 + 1 / given.length / 2);
      assert.equal(info.threshold, theta);
    });
  }));

test('spam: an entry whose gradient was 0 may begin to move', () => {
  const seen = follow('spam', { theta: 50, clip_from: 1 }, entriesOver([0, 1], [0, 1], [3, 1]));
  assert.ok(Number(seen[2]?.update.g?.values[0]) < -0.01);
});

test('spam: after a reset the rate comes back along a cosine', () => {
  const seen = follow('spam', { reset_every: 5, warmup: 3 }, entriesOver(...Array<number[]>(9).fill([1])));
  const comingBack = [0, 1, 2].map((k) => 1 - (0.99 * (1 + Math.cos((Math.PI * k) / 4))) / 2);
  [1, 1, 1, 1, ...comingBack, 1, 1].forEach((wanted, t) => {
    assertNear(seen[t]?.info.rate_factor, wanted, 1e-6, `step ${t}`);
  });
});

test('stable_spam: entries of equal gradients are never clipped, through resets too', () => {
  for (const { info } of follow('stable_spam', { reset_every: 4 }, entriesOver(...Array<number[]>(12).fill([3, -4])))) {
    assert.equal(info.clipped_fraction, 0);
    assertNear(info.smoothed_norm, 1, 1e-5);
  }
});

test('stable_spam: a spike is clipped to what is usual, and one of 1e30 leaves nothing in the state that is not finite', () => {
  const usual = Array<number[]>(30).fill([1, -1, 0.5, 0]);
  for (const size of [100, 1e30]) {
    const seen = follow('stable_spam', { beta1: 0 }, entriesOver(...usual, [1, size, 0.5, 0], [1, -1, 0.5, 0]));
    const [spike, later] = seen.slice(-2);
    assert.equal(spike?.info.clipped_fraction, 0.25);
    assert.ok(Number(spike?.info.threshold) < size / 10);
    assert.ok(flat(spike?.state ?? {}).every(Number.isFinite));
    assert.ok(flat(later?.state ?? {}).every(Number.isFinite));
    assert.ok(Number(later?.update.g?.values[2]) < 0);
  }
});

test('stable_adamw: where no gradient is larger than its mean square expects it is adamw, bit for bit', () => {
  const steps = entriesOver([1, -2, 3], [1, -2, 3], [0.5, 1, -1], [0.25, 0.5, 0]);
  const seen = follow('stable_adamw', { ...adam, beta2: 0.99 }, steps);
  for (const { info } of seen) assert.ok(Number(info.largest_rms) <= 1 + 1e-6);
  follow('adamw', { ...adam, beta2: 0.99 }, steps).forEach(({ update }, t) => {
    update.g?.values.forEach((value, i) => {
      assertNear(seen[t]?.update.g?.values[i], value, 1e-6 * Math.abs(value));
    });
  });
});

test('stable_adamw: update and decay are shorter by the root mean square of g over sqrt(v), in the same direction', () =>
  forSequences((steps) => {
    const [stable, plain] = ['stable_adamw', 'adamw'].map((name) => follow(name, { ...adam, beta2: 0.99 }, steps));
    stable?.forEach(({ update, info }, t) => {
      const whole = plain?.[t]?.update ?? {};
      const factors = Object.entries(update).map(([name, { values }]) => {
        const at = values.findIndex((value) => value !== 0);
        const factor = at < 0 ? 1 : Number(values[at]) / Number(whole[name]?.values[at]);
        assert.ok(factor > 0 && factor <= 1 + 1e-6);
        values.forEach((value, i) => {
          const wanted = factor * Number(whole[name]?.values[i]);
          assertNear(value, wanted, 2e-6 * Math.abs(wanted));
        });
        return factor;
      });
      const rms = Number(info.largest_rms);
      assertNear(Math.min(...factors), 1 / Math.max(1, rms), 2e-6);
      const clipped = factors.filter((factor) => factor < 1 - 2e-6).length / factors.length;
      assertNear(info.clipped_fraction, clipped, 1e-6 + 0.5 / factors.length);
    });
  }));

for (const alpha of [1, 2]) {
  test(`acclip with alpha ${alpha}: an entry moves by rate tau at most, by the momentum at most, and along it`, () =>
    forSequences((steps) => {
      for (const { update, state } of follow('acclip', { alpha }, steps, Array<number>(steps.length).fill(1))) {
        const [means, powers] = ['mean', 'power'].map((name) => flat(group(state, name)));
        flat(update).forEach((u, i) => {
          const [m = Number.NaN, power = Number.NaN] = [means?.[i], powers?.[i]];
          const tau = alpha === 1 ? power : Math.sqrt(power);
          const wanted = -m * Math.min(tau / (Math.abs(m) + 1e-5), 1);
          // A square that underflows counts as 0.
          assertNear(u, wanted, 1e-6 * Math.abs(m) + 1e-22);
        });
      }
    }));
}

const atRate = (rate: number, steps: HostTensors[]) => Array<number>(steps.length).fill(rate);

test('mixed_clip: with nu 0 it is clipping by the norm, then gradient descent', () =>
  forSequences((steps) => {
    const [rate, gamma] = [0.5, 0.25];
    follow('mixed_clip', { nu: 0, gamma }, steps, atRate(rate, steps)).forEach(({ update, info }, t) => {
      const g = steps[t] ?? {};
      const factor = Math.min(rate, gamma / norm(g));
      assertNear(info.clipped_fraction, norm(g) > (gamma / rate) * (1 + 1e-6) ? 1 : 0, 0);
      flat(update).forEach((u, i) => {
        const wanted = -factor * Number(flat(g)[i]);
        assertNear(u, wanted, 2e-6 * Math.abs(wanted));
      });
    });
  }));

test('mixed_clip: an update is at most gamma long; a soft one is shorter, by less than half', () =>
  forSequences((steps) => {
    for (const nu of [0, 1]) {
      const [hard, soft] = [false, true].map((isSoft) =>
        follow('mixed_clip', { nu, beta: 0.5, gamma: 0.25, soft: isSoft }, steps, atRate(0.5, steps)),
      );
      hard?.forEach(({ update }, t) => {
        const [whole, shorter] = [norm(update), norm(soft?.[t]?.update ?? {})];
        assert.ok(whole <= 0.25 * (1 + 1e-6));
        assert.ok(shorter <= whole * (1 + 1e-6) && shorter >= (whole / 2) * (1 - 1e-6), `${shorter} of ${whole}`);
      });
    }
  }));

test('clipped_sstm: z takes steps of bound at most', () =>
  forSequences((steps) => {
    const bound = 0.25;
    const seen = follow('clipped_sstm', { bound }, steps, atRate(0.5, steps));
    let before = changed(steps[0] ?? {}, () => 0);
    for (const { state, update, info } of seen) {
      // State has distances from the parameters, which have moved on by the update.
      const z = group(state, 'z');
      const moved = mapHost(z, (name, i) => value(z, name, i) + value(update, name, i) - value(before, name, i));
      assert.ok(norm(moved) <= bound * (1 + 1e-4), `${norm(moved)}`);
      assertNear(Number(info.threshold) * Number(info.step_size), bound, 1e-6);
      before = z;
    }
  }));

const value = (tensors: HostTensors, name: string, i: number) => tensors[name]?.values[i] ?? Number.NaN;
const mapHost = (tensors: HostTensors, f: (name: string, i: number) => number): HostTensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => [
      name,
      hostTensor(
        shape,
        [...values.keys()].map((i) => f(name, i)),
      ),
    ]),
  );

test('clipped_sstm: reaches the bottom of a bowl as fast as its theorem says', () => {
  const { init, update, readout } = transform(find(parts.optimizers, 'clipped_sstm'), { a: 1, bound: 1e3 });
  const [curvature, start, steps] = [[1, 4, 9], [1, -1, 0.5], 60];
  const end = freed(() => {
    let params: Tensors = { x: tf.tensor1d(start) };
    let state = init(params);
    for (let step = 0; step < steps; step++) {
      const out = update(
        mapTensors(params, (x) => x.mul(curvature)),
        { params, state, step, learning_rate: 1 / 9 },
      );
      params = mapTensors(params, (x, name) => x.add(pick(out.grads, name)));
      state = out.state;
    }
    return toHost(readout?.(params, state) ?? {});
  });
  const height = flat(end).reduce((sum, x, i) => sum + (Number(curvature[i]) * x * x) / 2, 0);
  // Without noise f(y) - f* <= 2 a L R^2 / (k (k+3)) (the similar triangles method).
  assert.ok(height <= (2 * 9 * 2.25) / (steps * (steps + 3)), `${height}`);
});

test('clipped_sstm: a run is evaluated at y, not where gradients are taken', () => {
  const cell = digitsCell({ optimizer: optimizer('clipped_sstm'), learning_rate: 0.1 });
  let ends: { params: HostTensors; optimizer: HostTensors; model: HostTensors } | undefined;
  const engine: Engine = {
    ...eager,
    train(...given) {
      const run = eager.train(...given);
      const dispose = () => {
        ends = { params: run.read('params'), optimizer: run.read('optimizer'), model: run.read('model') };
        run.dispose();
      };
      return { ...run, dispose };
    },
  };
  const { evals } = train(cell, () => 0, engine);
  const assembled = assemble(cell);
  const scores = freed(() => {
    const { params = {}, optimizer: state = {}, model = {} } = ends ?? {};
    const y = assembled.optimizer.readout?.(toTensors(params), toTensors(state)) ?? {};
    const split = assembled.task.split('val', stream('eval', 'val', cell.task));
    return [params, toHost(y)].map(
      (weights) => evaluate(eager, assembled, { params: weights, state: model }, [split])[0]?.loss,
    );
  });
  const last = evals.find(({ step, split }) => step === cell.steps && split === 'val')?.loss;
  assert.equal(last, scores[1]);
  assert.notEqual(last, scores[0]);
});

test('without momentum it is the same whether the gradient or the update is clipped', () =>
  forSequences((steps) => {
    const [early, late] = (['gradient', 'update'] as const).map((place) =>
      descend(
        {
          strategy: [{ ...strategy('global_norm', { max_norm: 0.3 }), place }],
          optimizer: optimizer('sgd'),
          learning_rate: 0.5,
          weights: changed(steps[0] ?? {}, () => 0),
        },
        steps.map((grads) => [grads]),
      ),
    );
    early?.forEach((params, t) => {
      flat(params).forEach((w, i) => {
        assertNear(flat(late?.[t] ?? {})[i], w, 1e-6 * (Math.abs(w) + 0.3));
      });
    });
  }));

test('with one micro-batch every place before the optimizer is the same, bit for bit', () =>
  forSequences((steps) => {
    const [one, other] = places
      .filter((place) => place !== 'update')
      .map((place) =>
        descend(
          {
            strategy: [{ ...strategy('global_norm', { max_norm: 0.3 }), place }],
            optimizer: optimizer('sgd', { momentum: 0.9 }),
            learning_rate: 0.5,
            weights: changed(steps[0] ?? {}, () => 0),
          },
          steps.map((grads) => [grads]),
        ),
      );
    one?.forEach((params, t) => {
      assertSame(other?.[t] ?? {}, params);
    });
  }));

/** Cutkosky & Mehta 2020: w <- w - rate m / ||m||, which the factor 1 - beta on m doesn't change. */
test('sgd with momentum and an update that is normalized is NSGD with momentum', () => {
  const [rate, beta] = [0.5, 0.9];
  const steps = entriesOver([3, 4], [-1, 2], [0.5, 0.5], [100, -100]);
  const got = descend(
    {
      strategy: [{ ...strategy('normalized'), place: 'update' }],
      optimizer: optimizer('sgd', { momentum: beta }),
      learning_rate: rate,
      weights: changed(steps[0] ?? {}, () => 0),
    },
    steps.map((grads) => [grads]),
  );
  let [m, w] = [
    [0, 0],
    [0, 0],
  ];
  steps.forEach((grads, t) => {
    m = flat(grads).map((g, i) => beta * Number(m[i]) + (1 - beta) * g);
    const length = Math.hypot(...m);
    w = w.map((x, i) => x - (rate * Number(m[i])) / length);
    w.forEach((wanted, i) => {
      assertNear(got[t]?.g?.values[i], wanted, 2e-6);
    });
  });
});

const recurrent = ['rnn', 'lstm', 'gru'].map((name) =>
  addingCell({ model: choice(parts.models, name, { hidden: [3, 4] }) }),
);
const others = [digitsCell(), digitsCell({ model: choice(parts.models, 'deep_linear', { depth: 3, width: 4 }) })];
const inside = (cell: Cell, clip_value: number, more: Cell['strategy'] = []): Cell => ({
  ...cell,
  telemetry: 'full',
  strategy: [strategy('backward_value', { clip_value }), ...more],
});

for (const cell of [...recurrent, ...others]) {
  const { name } = cell.model;

  test(`backward_value in ${name}: a bound that nothing reaches changes nothing; one below all leaves next to nothing`, () => {
    const [plain, wide, tight] = [{ ...cell, telemetry: 'full' as const }, inside(cell, 1e9), inside(cell, 1e-9)].map(
      trained,
    );
    const [norms, wideNorms, tightNorms] = [plain, wide, tight].map((run) => run && curve(run, 'grad_norm'));
    norms?.forEach((wanted = Number.NaN, t) => {
      // gru takes another way, and rounds otherwise.
      assertNear(wideNorms?.[t], wanted, name === 'gru' ? 1e-5 * wanted : 0, `step ${t}`);
    });
    assert.deepEqual(
      wide && curve(wide, 'clipped_fraction'),
      norms?.map(() => 0),
    );
    assert.ok(Number(tightNorms?.[0]) < Number(norms?.[0]), `${tightNorms} and ${norms}`);
    for (const fraction of (tight && curve(tight, 'clipped_fraction')) ?? [])
      assert.ok(Number(fraction) > 0, `${fraction}`);
    assert.deepEqual(new Set(tight && curve(tight, 'info.threshold')), new Set([Math.fround(1e-9)]));
  });

  test(`backward_value in ${name}: compiled, the bits are those of the eager engine`, onNative, () => {
    const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
    for (const own of [
      inside(cell, 1e-3),
      inside({ ...cell, accumulate: 2 }, 1e-3, [strategy('global_norm', { max_norm: 0.1 })]),
    ]) {
      assert.deepEqual(
        train(own, () => 0, engine),
        trained(own),
      );
    }
    engine.dispose();
  });
}

test('backward_value: every model that can be given has sites at which it acts, or is refused', () => {
  const having = parts.models.filter((part) => part.make(structure(part.name)).sites).map(({ name }) => name);
  assert.deepEqual([...having].sort(), ['deep_linear', 'gru', 'lstm', 'mlp', 'rnn']);
});

function structure(name: string): Options {
  return optionsOf(find(parts.models, name), {});
}

/** Gradients of another size at every step, the last with what isn't finite. */
const wild = [1, 1e-30, 1e30, 0.01, 3e-45, 1, 1e38, 0, Number.NaN].map(
  (size): HostTensors => ({
    w: hostTensor(
      [3, 4],
      Array.from({ length: 12 }, (_, i) => (Number.isNaN(size) && i % 3 > 0 ? i : size * Math.cos(3 * i))),
    ),
    b: hostTensor([2], [size, -size / 2]),
    scale: hostTensor([], [size / 3]),
  }),
);

/** Resets within the few steps there are. */
const often: Record<string, Options> = {
  spam: { reset_every: 4, warmup: 2, clip_from: 1 },
  stable_spam: { reset_every: 3 },
};

for (const name of ['spam', 'stable_spam', 'stable_adamw', 'adafactor', 'acclip', 'mixed_clip', 'clipped_sstm']) {
  test(`${name}: every variant has the same bits compiled as op by op, on gradients of any size`, onNative, () => {
    const part = find(parts.optimizers, name);
    const ready = variants(part).map((options) => transform(part, { ...options, ...often[name] }));
    const step: Step = (state, inputs) => {
      const groups: Record<string, Tensors> = {};
      const infos: Record<string, Record<string, tf.Scalar>> = {};
      ready.forEach(({ update }, i) => {
        const params = group(state, `params${i}`);
        const out = update(group(inputs, 'grads'), { params, state: group(state, `state${i}`) });
        groups[`params${i}`] = mapTensors(params, (w, key) => w.add(pick(out.grads, key)));
        groups[`state${i}`] = out.state;
        infos[`info${i}`] = { ...out.info, first: pick(out.grads, 'scale').asScalar() };
      });
      return { state: join(groups), scalars: join(infos) };
    };
    const run = (engine: Engine) => {
      const weights = () => toTensors(changed(wild[0] ?? {}, (x) => x / 2));
      const groups = ready.flatMap(({ init }, i) => [
        [`params${i}`, weights()] as const,
        [`state${i}`, init(weights())] as const,
      ]);
      const training = engine.train(name, step, join<tf.Tensor>(Object.fromEntries(groups)), {});
      const seen = wild.map((grads) => {
        const scalars = training.call([join({ grads })]);
        return { scalars, states: ready.map((_, i) => [training.read(`params${i}`), training.read(`state${i}`)]) };
      });
      training.dispose();
      return seen;
    };
    const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
    const [compiled, wanted] = [run(engine), run(eager)];
    engine.dispose();
    wanted.forEach((at, t) => {
      for (const [params = {}] of at.states) assert.deepEqual(shapesOf(params), shapesOf(wild[0] ?? {}));
      assert.deepEqual(compiled[t], at, `step ${t}`);
    });
  });
}
