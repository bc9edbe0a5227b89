import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { find, parts } from '../src/parts.ts';
import { mapTensors, pick } from '../src/tensors.ts';
import type { HostTensors } from '../src/types.ts';
import { onBackends, useBackend } from './support/backends.ts';
import { describesItself, transformConforms } from './support/conformance.ts';
import { changed } from './support/gradients.ts';
import { assertNear, bitsOf, freed, hostTensor, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const { optimizers } = parts;
for (const part of optimizers) {
  describesItself(part, 'optimizers', optimizers);
  transformConforms(part);
}

const flat = z.record(z.string(), z.array(z.number()));
/** Made by scripts/golden/optimizers.py, which says whose conventions these are (PyTorch's). */
const golden = z
  .object({
    shapes: z.record(z.string(), z.array(z.number())),
    params: flat,
    grads: z.array(flat),
    cases: z.array(
      z.object({
        optimizer: z.string(),
        learning_rate: z.number(),
        options: z.record(z.string(), z.number()),
        torch: z.array(flat),
        exact: z.array(flat),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/optimizers.json', import.meta.url), 'utf8')));

const shaped = (values: z.infer<typeof flat>): HostTensors =>
  Object.fromEntries(
    Object.entries(golden.shapes).map(([name, shape]) => [name, hostTensor(shape, values[name] ?? [])]),
  );

for (const { optimizer, learning_rate, options, torch, exact } of golden.cases) {
  const title = `${optimizer} at ${learning_rate} ${JSON.stringify(options)}`;
  onBackends(['native', 'wasm', 'cpu'], `${title}: 20 steps as in PyTorch and as in float64`, () => {
    const steps = descend(optimizer, options, learning_rate);
    assertAlike(steps, exact, 'float64');
    assertAlike(steps, torch, 'torch');
  });
}

/** The parameters after each step. */
function descend(name: string, options: Record<string, number>, learning_rate: number): HostTensors[] {
  const { init, update } = transform(find(optimizers, name), options);
  return freed(() => {
    let params = toTensors(shaped(golden.params));
    let state = init(params);
    return golden.grads.map((grads, step) => {
      const out = update(toTensors(shaped(grads)), { params, state, learning_rate, step });
      params = mapTensors(params, (w, key) => w.add(pick(out.grads, key)));
      state = out.state;
      return toHost(params);
    });
  });
}

/**
 * Within 1e-6 of the largest value that the entry has had: what was large once has left its rounding behind. Twenty
 * additions of float32 may differ by 20 * 2^-24 = 1.2e-6 at worst; 2.8e-7 is what was seen.
 */
function assertAlike(steps: HostTensors[], wanted: z.infer<typeof flat>[], whose: string): void {
  const largest: Record<string, number[]> = Object.fromEntries(
    Object.entries(golden.params).map(([name, values]) => [name, values.map(Math.abs)]),
  );
  wanted.forEach((tensors, step) => {
    for (const [name, values] of Object.entries(tensors)) {
      const seen = largest[name] ?? [];
      values.forEach((want, i) => {
        seen[i] = Math.max(seen[i] ?? 0, Math.abs(want));
        const got = steps[step]?.[name]?.values[i];
        assertNear(got, want, 1e-6 * (seen[i] ?? 0), `${name}[${i}] after step ${step}, ${whose}`);
      });
    }
  });
}

for (const { optimizer, options } of golden.cases) {
  test(`${optimizer} ${JSON.stringify(options)}: twice the learning rate is twice the update, bit for bit`, async () => {
    await useBackend('native');
    const { update } = transform(find(optimizers, optimizer), options);
    const updates = [0.25, 0.5].map((learning_rate) =>
      freed(() => toHost(update(toTensors(shaped(golden.params)), { learning_rate }).grads)),
    );
    const [one = {}, two = {}] = updates;
    assert.deepEqual(bitsOf(two), bitsOf(changed(one, (x) => 2 * x)));
  });
}

onBackends(
  ['native', 'wasm', 'cpu'],
  'adam: the first update is the learning rate, whatever the size of the gradient',
  () => {
    const { update } = transform(find(optimizers, 'adam'), { beta1: 0.9, beta2: 0.999, epsilon: 1e-30 });
    const updates = freed(() =>
      update({ g: tf.tensor1d([1e-12, -1e-3, 1, 1e12]) }, { learning_rate: 0.125 }).grads.g?.dataSync(),
    );
    [-1, 1, -1, -1].forEach((sign, i) => {
      assertNear(updates?.[i], sign * 0.125, 1e-6 * 0.125);
    });
  },
);
