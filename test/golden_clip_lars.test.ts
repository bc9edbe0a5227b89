/** Entries of the catalogue that are optimizers here, step by step as in the library that has them: so far LARS. */
import assert from 'node:assert/strict';
import { fromCatalogue } from '../src/catalogue.ts';
import { find, parts } from '../src/parts.ts';
import { mapTensors, pick } from '../src/tensors.ts';
import type { HostTensors } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { unchecked } from './support/choices.ts';
import { type GoldenCase, goldenCases, goldenNumber, goldenSteps, goldenTensors } from './support/golden_clip.ts';
import { assertNear, freed, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

for (const example of goldenCases('golden_clip_lars')) {
  onBackends(['native', 'wasm', 'cpu'], example.id, () => {
    const { tol, expected } = example;
    const wanted = goldenSteps(expected.weightSteps);
    const got = descend(example);
    assert.equal(got.length, wanted.length);
    wanted.forEach((weights, step) => {
      for (const [name, { shape, values }] of Object.entries(weights)) {
        assert.deepEqual(got[step]?.[name]?.shape, shape);
        values.forEach((value, i) => {
          const bound = tol.atol + tol.rtol * Math.abs(value);
          assertNear(got[step]?.[name]?.values[i], value, bound, `${name}[${i}] after step ${step}`);
        });
      }
    });
  });
}

/** The weights after each step. */
function descend({ strategy, params: given, semantics, inputs }: GoldenCase): HostTensors[] {
  const { kind, name, options, learning_rate } = fromCatalogue(strategy, given, semantics);
  assert.equal(kind, 'optimizer');
  const { init, update } = transform(find(parts.optimizers, name), unchecked(options));
  return freed(() => {
    let params = toTensors(goldenTensors(inputs.weights));
    let state = init(params);
    return goldenSteps(inputs.gradSteps).map((grads, step) => {
      const out = update(toTensors(grads), { params, state, step, learning_rate: goldenNumber(learning_rate) });
      params = mapTensors(params, (w, key) => w.add(pick(out.grads, key)));
      state = out.state;
      return toHost(params);
    });
  });
}
