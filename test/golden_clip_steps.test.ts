/** Strategies with a state, over many steps, against optax and transcriptions of papers and their code. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { fromCatalogue } from '../src/catalogue.ts';
import { normOf } from '../src/norms.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import { find, parts } from '../src/parts.ts';
import { zerosLike } from '../src/tensors.ts';
import type { HostTensor, HostTensors } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { unchecked } from './support/choices.ts';
import { type GoldenCase, goldenCases, goldenNumber, goldenNumbers, goldenSteps } from './support/golden_clip.ts';
import { assertNear, freed, hostTensor, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

interface StepIn {
  grads: HostTensors;
  loss?: number;
}

interface StepOut {
  grads: HostTensors;
  state: HostTensors;
  info: Record<string, number>;
  skip: boolean;
  /** What sgd makes of it. */
  update: HostTensors;
}

const rows = z.array(z.array(z.unknown()));

/** What each expectation of the file is compared with, step by step; steps and numbers it doesn't know are null. */
const checks: Record<string, (example: GoldenCase, expected: unknown, steps: StepOut[]) => void> = {
  gradSteps(example, expected, steps) {
    const from = Number(example.expected.gradStepsFrom ?? 0);
    const wanted = goldenSteps(expected);
    const got = steps.slice(from, from + wanted.length).map(({ grads }) => grads);
    assertSteps(got, wanted, example, 'gradient');
  },
  bufferSteps(example, expected, steps) {
    assertSteps(
      steps.map(({ state }) => state),
      goldenSteps(expected),
      example,
      'buffer',
    );
  },
  updateSteps(example, expected, steps) {
    assertSteps(
      steps.map(({ update }) => update),
      goldenSteps(expected),
      example,
      'update',
    );
  },
  thresholds(example, expected, steps) {
    assertNumbers(
      steps.map(({ info }) => info.threshold),
      goldenNumbers(expected),
      example,
      'threshold',
    );
  },
  norms(example, expected) {
    const norms = readSteps(example).steps.map(({ grads }) =>
      freed(() => normOf(Object.values(toTensors(grads))).dataSync()[0]),
    );
    assertNumbers(norms, goldenNumbers(expected), example, 'norm');
  },
  /** Norm, limit, and mean and variance of the norms. */
  log(example, expected, steps) {
    rows.parse(expected).forEach(([, ...wanted], t) => {
      const { info = {} } = steps[t] ?? {};
      const variance = (info.norm_deviation ?? Number.NaN) ** 2;
      assertKnown([info.limit, info.norm_mean, variance], wanted, example, `step ${t}`);
    });
  },
  gammaSteps(example, expected, steps) {
    z.array(z.unknown())
      .parse(expected)
      .forEach((wanted, t) => {
        assertNumbers(
          [...(steps[t]?.state.gamma?.values ?? [])],
          goldenNumbers(Array.isArray(wanted) ? wanted : [wanted]),
          example,
          `gamma at step ${t}`,
        );
      });
  },
  emaSteps(example, expected, steps) {
    rows.parse(expected).forEach((wanted, t) => {
      assertKnown([...(steps[t]?.state.mean?.values ?? [])], wanted, example, `mean at step ${t}`);
    });
  },
  stepFactors(_example, expected, steps) {
    assert.deepEqual(
      steps.map(({ skip }) => (skip ? 0 : 1)),
      goldenNumbers(expected),
    );
  },
  counts(_example, expected, steps) {
    const got = steps.map(({ state }) => {
      const [consecutive, total] = [state.consecutive?.values[0], state.total?.values[0]];
      return [consecutive, total, consecutive === 0];
    });
    assert.deepEqual(got, expected);
  },
  /** Where `gradSteps` begins. */
  gradStepsFrom: () => {},
};

for (const example of goldenCases('golden_clip_steps')) {
  onBackends(['native', 'wasm', 'cpu'], example.id, () => {
    const steps = run(example);
    for (const [what, expected] of Object.entries(example.expected)) {
      const check = checks[what] ?? assert.fail(`nothing is compared with "${what}"`);
      check(example, expected, steps);
    }
  });
}

function run(example: GoldenCase): StepOut[] {
  const { strategy, params, semantics } = example;
  const { name, options } = fromCatalogue(strategy, params, semantics);
  const clip = transform(find(parts.strategies, name), unchecked(options));
  const optimizer = transform(sgd, { momentum: Number(params.decay ?? 0) });
  const learning_rate = Number(params.lr ?? 1);
  return freed(() => {
    const { weights, steps, workers } = readSteps(example);
    const params = toTensors(weights);
    let state = clip.init(params, workers);
    let buffers = optimizer.init(params);
    return steps.map(({ grads, ...others }, step) => {
      const out = clip.update(toTensors(grads), { state, params, step, ...others });
      state = out.state;
      const applied = optimizer.update(out.grads, { state: buffers, learning_rate });
      // As a step does it: one that is left out moves nothing, and leaves the optimizer as it was.
      const skip = out.skip?.dataSync()[0] === 1;
      if (!skip) buffers = applied.state;
      const infos = Object.entries(out.info ?? {}).map(([key, value]) => [key, Number(value.dataSync()[0])]);
      return {
        grads: toHost(out.grads),
        state: toHost(state),
        info: Object.fromEntries(infos),
        skip,
        update: toHost(skip ? zerosLike(params) : applied.grads),
      };
    });
  });
}

/** Weights are there for their shapes. */
function readSteps({ inputs }: GoldenCase): { weights: HostTensors; steps: StepIn[]; workers?: number } {
  if (inputs.losses !== undefined) {
    const norms = goldenNumbers(inputs.gradNorms);
    const steps = goldenNumbers(inputs.losses).map((loss, t) => ({
      grads: { g0: hostTensor([], [norms[t] ?? Number.NaN]) },
      loss,
    }));
    return { weights: { g0: hostTensor([], [0]) }, steps };
  }
  if (inputs.workerGradSteps === undefined) {
    const steps = goldenSteps(inputs.gradSteps);
    return { weights: steps[0] ?? {}, steps: steps.map((grads) => ({ grads })) };
  }
  const byWorker = z.array(z.unknown()).parse(inputs.workerGradSteps).map(goldenSteps);
  const [first = []] = byWorker;
  const steps = first.map((grads, t) => ({ grads: stacked(byWorker.map((steps) => steps[t] ?? grads)) }));
  return { weights: first[0] ?? {}, steps, workers: byWorker.length };
}

/** The same tensors of several workers as one, with an axis for them in front. */
function stacked(each: HostTensors[]): HostTensors {
  return Object.fromEntries(
    Object.entries(each[0] ?? {}).map(([name, { shape }]): [string, HostTensor] => [
      name,
      hostTensor(
        [each.length, ...shape],
        each.flatMap((tensors) => [...(tensors[name]?.values ?? [])]),
      ),
    ]),
  );
}

function assertNumbers(got: (number | undefined)[], wanted: number[], { tol }: GoldenCase, what: string): void {
  assert.equal(got.length, wanted.length, what);
  wanted.forEach((value, i) => {
    assertNear(got[i], value, tol.atol + tol.rtol * Math.abs(value), `${what} ${i}`);
  });
}

/** Numbers of which some aren't known: null. */
function assertKnown(got: (number | undefined)[], wanted: unknown[], example: GoldenCase, what: string): void {
  assert.equal(got.length, wanted.length, what);
  const known = wanted.flatMap((value, i) => (value === null ? [] : [i]));
  assertNumbers(
    known.map((i) => got[i]),
    known.map((i) => goldenNumber(wanted[i])),
    example,
    what,
  );
}

function assertSteps(got: HostTensors[], wanted: HostTensors[], example: GoldenCase, what: string): void {
  assert.equal(got.length, wanted.length, what);
  for (const [t, tensors] of wanted.entries()) {
    assert.deepEqual(Object.keys(got[t] ?? {}), Object.keys(tensors));
    for (const [name, { shape, values }] of Object.entries(tensors)) {
      const own = got[t]?.[name];
      assert.deepEqual(own?.shape, shape);
      assertNumbers([...(own?.values ?? [])], [...values], example, `${what} ${name} at step ${t}, entry`);
    }
  }
}
