/** Every backend in one process, where it can be had: what one of them computes wrongly is a bug here too. */
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../../src/engine/backend.ts';
import { overrideWasmKernels } from '../../src/engine/wasm.ts';

const registered = { native: 'tensorflow', wasm: 'wasm', cpu: 'cpu' };
type Name = keyof typeof registered;

let wasm: Promise<void> | undefined;

/** Once: the kernels may be replaced only once. */
async function loadWasm(): Promise<void> {
  wasm ??= import('@tensorflow/tfjs-backend-wasm').then(overrideWasmKernels);
  await wasm;
}

/** Computes on this backend from now on. Returns why it can't be had, or undefined. */
export async function useBackend(name: Name): Promise<string | undefined> {
  const best = await loadBackend();
  if (name === 'native' && best.name !== 'native') return best.reason ?? 'another backend was asked for';
  if (name === 'wasm' && best.name !== 'wasm') await loadWasm();
  if (!(await tf.setBackend(registered[name]))) return `tfjs could not start "${registered[name]}"`;
  await tf.ready();
  return undefined;
}

/** Defines one test for each backend; where a backend is missing, its test is skipped by name. */
export function onBackends(names: Name[], title: string, body: () => void | Promise<void>): void {
  for (const name of names) {
    test(`${title} (${name})`, async (t) => {
      const missing = await useBackend(name);
      if (missing === undefined) await body();
      else t.skip(missing);
    });
  }
}
