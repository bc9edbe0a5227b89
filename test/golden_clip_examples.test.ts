/** Strategies on gradients of single examples against TensorFlow, optax and transcriptions of papers and their code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { applySchema, applySteps } from '../src/apply/steps.ts';
import { fromCatalogue } from '../src/catalogue.ts';
import { plainNorms } from '../src/clipping/examples.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { find, parts } from '../src/parts.ts';
import type { HostTensors } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { unchecked } from './support/choices.ts';
import { type GoldenCase, goldenCases, goldenNumber, goldenNumbers, goldenTensors } from './support/golden_clip.ts';
import { assertNear, freed, hostTensor, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

interface StepOut {
  /** Of the gradients that were given. */
  norms: number[];
  mean: HostTensors;
  state: HostTensors;
  info: Record<string, number>;
}

/** What each expectation of the file is compared with. */
const checks: Record<string, (example: GoldenCase, expected: unknown, steps: StepOut[]) => void> = {
  grads: (example, expected, [step]) => assertTensors(step?.mean, goldenTensors(expected), 1, example),
  sum: (example, expected, [step]) =>
    assertTensors(step?.mean, goldenTensors(expected), step?.norms.length ?? 0, example),
  norms: (example, expected, [step]) => assertNumbers(step?.norms, goldenNumbers(expected), example),
  /** The factors themselves aren't said: as many are clipped as aren't 1. Zeros stay zeros. */
  factors(_example, expected, [step]) {
    const factors = goldenNumbers(expected);
    const clipped = factors.filter((factor, i) => Math.abs(factor - 1) > 1e-6 && step?.norms[i] !== 0).length;
    assertNear(step?.info.clipped_fraction, clipped / factors.length, 1e-6);
  },
  /** One number, or one for each tensor. */
  numClipped(_example, expected, [step]) {
    const counts = Array.isArray(expected) ? goldenNumbers(expected) : [goldenNumber(expected)];
    const share = counts.reduce((sum, n) => sum + n, 0) / counts.length / (step?.norms.length ?? 0);
    assertNear(step?.info.clipped_fraction, share, 1e-6);
  },
  /** Unclipped share, and the bound of the next step. */
  log(example, expected, steps) {
    const got = steps.map(({ info, state }) => [Number(info.unclipped_share), Number(state.bound?.values[0])]);
    const wanted = z.array(z.array(z.number())).parse(expected);
    assert.equal(got.length, wanted.length);
    wanted.forEach((row, t) => {
      assertNumbers(got[t], row, example, `step ${t}`);
    });
  },
};

for (const strategy of ['S20', 'S21', 'S22', 'S23']) {
  for (const example of goldenCases('golden_clip_examples', strategy)) {
    onBackends(['native', 'wasm', 'cpu'], example.id, () => {
      const steps = run(example);
      for (const [what, expected] of Object.entries(example.expected)) {
        const check = checks[what] ?? assert.fail(`nothing is compared with "${what}"`);
        check(example, expected, steps);
      }
    });
  }
}

test('clipbench apply gives the same for each of them, on both engines', async () => {
  const isNative = (await useBackend('native')) === undefined;
  const engines = isNative ? [eager, compiledEngine('repro', (why) => assert.fail(why))] : [eager];
  for (const example of ['S20', 'S21', 'S22'].flatMap((number) => goldenCases('golden_clip_examples', number))) {
    const { strategy, params, semantics, inputs, expected } = example;
    const { perExample, standardNormal: noise } = inputs;
    const step = { perExample, ...(noise !== undefined && { noise }) };
    const input = applySchema.parse({ strategy, params, semantics, steps: [step] });
    for (const engine of engines) {
      const [out] = applySteps(input, engine).steps;
      const count = goldenTensors(perExample).g0?.shape[0] ?? 0;
      const factor = expected.grads === undefined ? count : 1;
      assertTensors(goldenTensors(out?.grads), goldenTensors(expected.grads ?? expected.sum), factor, example);
    }
  }
  const missing = applySchema.parse({ strategy: 'dp_automatic', steps: [{ grads: [{ s: [1], d: [1] }] }] });
  assert.throws(() => applySteps(missing, eager), /^Error: steps\[0\]: this strategy needs perExample$/);
  for (const engine of engines) engine.dispose();
});

function run({ strategy, params, inputs, semantics }: GoldenCase): StepOut[] {
  const { name, options } = fromCatalogue(strategy, params, semantics);
  const counts = inputs.countNoise === undefined ? undefined : goldenNumbers(inputs.countNoise);
  // What is given is what is added.
  const noisy = counts === undefined ? {} : { count_noise: 1 };
  const { init, update } = transform(find(parts.strategies, name), unchecked({ ...options, ...noisy }));
  const drawn = inputs.standardNormal === undefined ? {} : goldenTensors(inputs.standardNormal);
  return freed(() => {
    const steps = stepsOf(inputs);
    let state = init({});
    return steps.map((host, t) => {
      const given = { ...drawn, ...(counts && { unclipped: hostTensor([], [counts[t] ?? Number.NaN]) }) };
      const grads = toTensors(host);
      const out = update(grads, { state, step: t, normals: toTensors(given) });
      state = out.state;
      const infos = Object.entries(out.info ?? {}).map(([key, value]) => [key, Number(value.dataSync()[0])]);
      return {
        norms: [...plainNorms(grads).dataSync()],
        mean: toHost(out.grads),
        state: toHost(state),
        info: Object.fromEntries(infos),
      };
    });
  });
}

/** Where there are norms only, the gradient of an example is one number. */
function stepsOf({ perExample, normBatches }: GoldenCase['inputs']): HostTensors[] {
  if (normBatches === undefined) return [goldenTensors(perExample)];
  return z
    .array(z.unknown())
    .parse(normBatches)
    .map(goldenNumbers)
    .map((norms) => ({ g0: hostTensor([norms.length], norms) }));
}

/** `got` times a factor, which is how many there are where a sum is wanted. */
function assertTensors(got: HostTensors | undefined, wanted: HostTensors, factor: number, example: GoldenCase): void {
  assert.deepEqual(Object.keys(got ?? {}), Object.keys(wanted));
  for (const [name, { shape, values }] of Object.entries(wanted)) {
    const own = got?.[name];
    assert.deepEqual(own?.shape, shape);
    assertNumbers(
      [...(own?.values ?? [])].map((value) => value * factor),
      [...values],
      example,
      name,
    );
  }
}

function assertNumbers(got: number[] | undefined, wanted: number[], { tol }: GoldenCase, what = ''): void {
  assert.equal(got?.length, wanted.length, what);
  wanted.forEach((value, i) => {
    assertNear(got?.[i], value, tol.atol + tol.rtol * Math.abs(value), `${what} ${i}`);
  });
}
