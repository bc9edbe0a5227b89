/** What PyTorch computes for layers and networks, and ours beside it. Made by scripts/golden/layers.py, which says how. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { named } from '../../src/tensors.ts';
import type { HostTensor, HostTensors, Tensors } from '../../src/types.ts';
import { assertClose, hostTensor, read, toHost, toTensors } from './host.ts';

const tensor = z
  .object({ shape: z.array(z.int()), values: z.array(z.number()) })
  .transform(({ shape, values }) => hostTensor(shape, values));
const tensors = z.record(z.string(), tensor);
const outcome = { dy: tensor, y: tensor, grads: tensors };

export const golden = z
  .object({
    norms: z.array(
      z.object({
        kind: z.enum(['batch', 'layer', 'rms', 'group']),
        params: tensors,
        steps: z.array(z.object({ training: z.boolean(), x: tensor, ...outcome, state: tensors })),
      }),
    ),
    weight_norms: z.array(z.object({ params: tensors, start: tensor, ...outcome })),
    standardizations: z.array(z.object({ params: tensors, ...outcome })),
    models: z.array(
      z.object({
        model: z.string(),
        options: z.record(z.string(), z.union([z.number(), z.string(), z.array(z.number())])),
        params: tensors,
        x: tensor,
        ...outcome,
        state: tensors,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/layers.json', import.meta.url), 'utf8')));

/**
 * Value and gradients of `f` at `inputs` against PyTorch's in double: each tensor to `tolerance` of its norm, which is some
 * roundings in float32.
 */
export function assertGolden(
  f: (inputs: Tensors) => tf.Tensor,
  inputs: HostTensors,
  { y, dy, grads }: { y: HostTensor; dy: HostTensor; grads: HostTensors },
  tolerance: number,
): void {
  const at = toTensors(inputs);
  const by = tf.tensor(dy.values, dy.shape);
  assertClose(read(f(at)), y, tolerance, 'value');
  const found = tf.grads((...values) => f(named(at, values)).mul(by).sum())(Object.values(at));
  assertAllClose(toHost(named(at, found)), grads, tolerance);
}

/** The same names, and close. */
export function assertAllClose(got: HostTensors, wanted: HostTensors, tolerance: number): void {
  assert.deepEqual(Object.keys(got).sort(), Object.keys(wanted).sort());
  for (const [name, tensor] of Object.entries(wanted)) assertClose(got[name] ?? tensor, tensor, tolerance, name);
}
