/** Outputs and gradients of rnn, lstm and gru against PyTorch: scripts/golden/recurrent.py says what made them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { build, constants, find, parts } from '../src/parts.ts';
import { pick } from '../src/tensors.ts';
import type { HostTensors, Tensors } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { optionsOf } from './support/choices.ts';
import { assertClose, freed, hostTensor, read, shapesOf, toHost, toTensors } from './support/host.ts';

const tensor = z
  .tuple([z.array(z.int()), z.array(z.number())])
  .transform(([shape, values]) => hostTensor(shape, values));
const golden = z
  .object({
    cases: z.array(
      z.object({
        model: z.string(),
        options: z.record(z.string(), z.unknown()),
        shape: z.object({
          input: z.array(z.int()),
          vocabulary: z.int().exactOptional(),
          output: z.int(),
          times: z.int().exactOptional(),
        }),
        params: z.record(z.string(), tensor),
        x: tensor,
        weights: tensor,
        y: tensor,
        gradients: z.record(z.string(), tensor),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/recurrent.json', import.meta.url), 'utf8')));

for (const { model, options, shape, params, x, weights, y, gradients } of golden.cases) {
  const title = `${model} ${JSON.stringify(options)} from ${JSON.stringify(shape)}: outputs and gradients are PyTorch's`;
  onBackends(['native', 'wasm', 'cpu'], title, () => {
    freed(() => {
      const part = find(parts.models, model);
      const choice = { name: model, options: optionsOf(part, options) };
      const built = build(part, choice);
      const numeric = Object.entries(constants(part, choice)).map(([name, value]) => [name, tf.scalar(value)] as const);
      const given = toTensors({ ...params, x, weights });
      const names = Object.keys(params);
      const named = (values: tf.Tensor[]): Tensors =>
        Object.fromEntries(values.map((value, i) => [names[i] ?? '', value]));
      const outputs = (...values: tf.Tensor[]) => {
        const [out] = built.apply(named(values), {}, pick(given, 'x'), {
          training: true,
          shape,
          options: Object.fromEntries(numeric),
        });
        return out;
      };
      const values = names.map((name) => pick(given, name));
      assertClose(read(outputs(...values)), y, 1e-6, 'outputs');
      const loss = (...args: tf.Tensor[]) =>
        outputs(...args)
          .mul(pick(given, 'weights'))
          .sum();
      const got: HostTensors = toHost(named(tf.grads(loss)(values)));
      assert.deepEqual(shapesOf(got), shapesOf(gradients));
      for (const [name, wanted] of Object.entries(gradients)) {
        assertClose(got[name] ?? hostTensor([], []), wanted, 1e-5, name);
      }
    });
  });
}
