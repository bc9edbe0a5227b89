/** Strategies without state against TensorFlow, Keras, PyTorch, optax and transcriptions of papers. */
import assert from 'node:assert/strict';
import type * as tf from '@tensorflow/tfjs';
import { fromCatalogue } from '../src/catalogue.ts';
import { normAs } from '../src/clipping/norm_rules.ts';
import { normOf } from '../src/norms.ts';
import { find, parts } from '../src/parts.ts';
import type { HostTensors } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { unchecked } from './support/choices.ts';
import {
  type GoldenCase,
  goldenCases,
  goldenNumber,
  goldenNumbers,
  goldenSemantics,
  goldenTensors,
} from './support/golden_clip.ts';
import { assertNear, freed, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

/** What each expectation of the file is compared with. */
const checks: Record<string, (example: GoldenCase, expected: unknown) => void> = {
  grads: (example, expected) => compare(clip(example), goldenTensors(expected), example),
  updates: (example, expected) => compare(clip(example), goldenTensors(expected), example),
  /** Of all tensors; where it was given it comes back. */
  totalNorm(example, expected) {
    const { useNorm, normType = 2 } = example.params;
    if (useNorm !== undefined) return assert.equal(expected, useNorm);
    assertNorms(example, [goldenNumber(expected)], (list) =>
      example.semantics === 'safe' ? [normOf(list)] : [normAs(String(example.semantics), list, Number(normType))],
    );
  },
  norms(example, expected) {
    assertNorms(example, goldenNumbers(expected), (list) => list.map((g) => normAs(String(example.semantics), [g])));
  },
};

for (const example of goldenCases('golden_clip')) {
  onBackends(['native', 'wasm', 'cpu'], example.id, () => {
    for (const [what, expected] of Object.entries(example.expected)) {
      const check = checks[what] ?? assert.fail(`nothing is compared with "${what}"`);
      check(example, expected);
    }
  });
}

function assertNorms({ inputs, tol }: GoldenCase, wanted: number[], normsOf: (grads: tf.Tensor[]) => tf.Scalar[]) {
  const got = freed(() =>
    normsOf(Object.values(toTensors(goldenTensors(inputs.grads)))).map((norm) => norm.dataSync()[0]),
  );
  assert.equal(got.length, wanted.length);
  wanted.forEach((norm, i) => {
    assertNear(got[i], norm, tol.atol + tol.rtol * norm, `norm ${i}`);
  });
}

function clip(example: GoldenCase): HostTensors {
  const { strategy, params, inputs } = example;
  const { name, options, learning_rate } = fromCatalogue(strategy, params, goldenSemantics(example));
  const { update } = transform(find(parts.strategies, name), unchecked(options));
  return freed(() => {
    const gradient = toTensors(goldenTensors(inputs.grads));
    const [params, grads] = [inputs.weights, inputs.updates].map((given) =>
      given === undefined ? gradient : toTensors(goldenTensors(given)),
    );
    const rate = learning_rate === undefined ? {} : { learning_rate: goldenNumber(learning_rate) };
    return toHost(update(grads ?? gradient, { gradient, params: params ?? gradient, ...rate }).grads);
  });
}

function compare(got: HostTensors, wanted: HostTensors, { tol }: GoldenCase): void {
  assert.deepEqual(Object.keys(got), Object.keys(wanted));
  for (const [key, { shape, values }] of Object.entries(wanted)) {
    assert.deepEqual(got[key]?.shape, shape);
    values.forEach((value, i) => {
      assertNear(got[key]?.values[i], value, tol.atol + tol.rtol * Math.abs(value), `tensor ${key}, entry ${i}`);
    });
  }
}
