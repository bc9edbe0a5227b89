/** Clip strategies against TensorFlow, Keras, PyTorch and optax: test/golden/clip.json says what made each case. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { normOf } from '../src/norms.ts';
import { find, parts } from '../src/parts.ts';
import type { Choice, HostTensor, HostTensors } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { assertNear, freed, hostTensor, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const tensor = z.object({ s: z.array(z.number()), d: z.array(number) });
/** A list of tensors, or the name of a fixture: `@grads/normal`. */
const tensors = z.union([z.array(tensor), z.string()]);
const golden = z
  .object({
    fixtures: z.object({ grads: z.record(z.string(), z.array(tensor)) }),
    cases: z.array(
      z.object({
        id: z.string(),
        strategy: z.enum(['S00', 'S01', 'S02', 'S03']),
        semantics: z.string().optional(),
        params: z.record(z.string(), z.union([z.number(), z.string()])),
        inputs: z.object({ grads: tensors }),
        expected: z.object({ grads: tensors, totalNorm: number.optional() }),
        tol: z.object({ rtol: z.number(), atol: z.number() }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/clip.json', import.meta.url), 'utf8')));
type Case = (typeof golden.cases)[number];

for (const example of golden.cases) {
  onBackends(['native', 'wasm', 'cpu'], example.id, () => {
    const { name, options } = choiceOf(example);
    const bound = (value: number) => example.tol.atol + example.tol.rtol * Math.abs(value);
    const given = listed(example.inputs.grads);
    const { update } = transform(find(parts.strategies, name), options);
    const got = freed(() => toHost(update(toTensors(given)).grads));
    const wanted = listed(example.expected.grads);
    assert.deepEqual(Object.keys(got), Object.keys(wanted));
    for (const [key, { shape, values }] of Object.entries(wanted)) {
      assert.deepEqual(got[key]?.shape, shape);
      values.forEach((value, i) => {
        assertNear(got[key]?.values[i], value, bound(value), `tensor ${key}, entry ${i}`);
      });
    }
    const { totalNorm } = example.expected;
    // An infinite one is the overflow that the norm of telemetry must not have.
    if (totalNorm !== undefined && Number.isFinite(totalNorm)) {
      const norm = freed(() => normOf(Object.values(toTensors(given))).dataSync()[0]);
      assertNear(norm, totalNorm, bound(totalNorm), 'norm');
    }
  });
}

/** The part and the options that mean what the case's own names mean. */
function choiceOf({ id, strategy, semantics, params }: Case): Choice {
  const one = (...names: string[]): number => {
    const value = names.map((name) => params[name]).find((found) => typeof found === 'number');
    if (typeof value === 'number') return value;
    throw new Error(`${id} has none of ${names.join(', ')}`);
  };
  const rule = semantics === 'safe' ? 'safe' : 'tf';
  if (strategy === 'S00') return { name: 'none', options: {} };
  if (strategy === 'S02') return { name: 'norm', options: { max_norm: one('clipNorm'), semantics: rule } };
  if (strategy === 'S03') return { name: 'global_norm', options: { max_norm: one('maxNorm'), semantics: rule } };
  return { name: 'value', options: { clip_value: one('clipValue', 'maxDelta', 'max'), semantics: rule } };
}

function listed(given: z.infer<typeof tensors>): HostTensors {
  const list = typeof given === 'string' ? golden.fixtures.grads[given.replace('@grads/', '')] : given;
  if (list === undefined) throw new Error(`no fixture ${given}`);
  return Object.fromEntries(list.map(({ s, d }, i): [string, HostTensor] => [`g${i}`, hostTensor(s, d)]));
}
