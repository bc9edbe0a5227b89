/** The golden cases of clipping as `clipbench apply` takes them. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { applySchema, applySteps } from '../../src/apply/steps.ts';
import { fromCatalogue } from '../../src/catalogue.ts';
import type { Engine } from '../../src/types.ts';
import { allGoldenCases, type GoldenCase, goldenJson, goldenSemantics } from './golden_clip.ts';
import { assertNear } from './host.ts';

const list = z.array(z.unknown());

/** A case as it is given to `clipbench apply`; undefined where it is about something else. */
function inputOf(example: GoldenCase) {
  const { strategy, params, inputs, expected } = example;
  const rule = goldenSemantics(example);
  const spec = { name: strategy, params, ...(rule !== undefined && { semantics: rule }) };
  const weights = inputs.weights === undefined ? {} : { weights: goldenJson(inputs.weights) };
  const losses = inputs.losses === undefined ? [] : list.parse(inputs.losses);
  if (
    inputs.grads !== undefined &&
    (expected.grads ?? expected.updates) !== undefined &&
    expected.throws === undefined
  ) {
    const updates = inputs.updates === undefined ? {} : { updates: goldenJson(inputs.updates) };
    return { strategy: spec, ...weights, steps: [{ grads: goldenJson(inputs.grads), ...updates }] };
  }
  if (inputs.workerGradSteps !== undefined) {
    // By worker in the file, by step here.
    const byWorker = list.parse(inputs.workerGradSteps).map((worker) => list.parse(worker).map(goldenJson));
    const steps = byWorker[0]?.map((_, t) => ({ workers: byWorker.map((worker) => worker[t]) }));
    return { strategy: spec, steps };
  }
  if (params.microBatches !== undefined) {
    return { strategy: spec, steps: [{ workers: list.parse(inputs.gradSteps).map(goldenJson) }] };
  }
  if (inputs.gradSteps === undefined || (expected.gradSteps ?? expected.weightSteps) === undefined) return undefined;
  // Weights that come of a strategy and some optimizer after it.
  const { kind, optimizer } = fromCatalogue(strategy, params, rule);
  if (expected.weightSteps !== undefined && kind === 'strategy' && optimizer === undefined) return undefined;
  const steps = list.parse(inputs.gradSteps).map((grads, t) => ({
    grads: goldenJson(grads),
    ...(losses[t] !== undefined && { loss: losses[t] }),
  }));
  return { strategy: spec, ...weights, steps };
}

/** What is expected of each step: gradients, or weights. */
function expectedOf({ expected }: GoldenCase): { what: 'grads' | 'weights'; steps: unknown[]; from: number } {
  const single = expected.grads ?? expected.updates;
  if (single !== undefined) return { what: 'grads', steps: [single], from: 0 };
  if (expected.weightSteps !== undefined) return { what: 'weights', steps: list.parse(expected.weightSteps), from: 0 };
  return { what: 'grads', steps: list.parse(expected.gradSteps), from: Number(expected.gradStepsFrom ?? 0) };
}

export interface Applied {
  example: GoldenCase;
  input: unknown;
}

/** The cases with gradients or weights in and out. */
export const appliedCases: Applied[] = allGoldenCases.flatMap((example) => {
  const input = inputOf(example);
  return input === undefined ? [] : [{ example, input }];
});

/** Cases that `apply` doesn't take. */
export const leftOut = allGoldenCases.filter((example) => inputOf(example) === undefined).map(({ id }) => id);

/** Through text, as it goes through a file. */
export const given = (input: unknown) => applySchema.parse(JSON.parse(JSON.stringify(input)));

/** @throws AssertionError where what comes out isn't what is expected, at the case's tolerance */
export function assertApplied({ example, input }: Applied, engine: Engine): void {
  const output = JSON.parse(JSON.stringify(applySteps(given(input), engine)));
  const { what, steps, from } = expectedOf(example);
  const { tol } = example;
  steps.forEach((wanted, i) => {
    const got = tensors.parse(output.steps[from + i][what]);
    tensors.parse(goldenJson(wanted)).forEach((tensor, k) => {
      assert.deepEqual(got[k]?.s, tensor?.s);
      tensor?.d.forEach((value, j) => {
        const place = `${example.id}, step ${from + i}, tensor ${k}, entry ${j}`;
        assertNear(Number(got[k]?.d[j]), Number(value), tol.atol + tol.rtol * Math.abs(Number(value)), place);
      });
    });
  });
}
const tensors = z.array(z.object({ s: z.array(z.number()), d: z.array(z.union([z.number(), z.string()])) }).nullable());
