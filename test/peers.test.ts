import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { ratiosOf, rowsOf, type Timing } from '../scripts/peers/comparison.ts';
import { stepsOf } from '../scripts/peers/steps.ts';
import { ratiosTable, timesTable } from '../scripts/peers/table.ts';
import { clippings, trainings } from '../scripts/peers/works.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { compileStep } from '../src/engine/compile-step.ts';
import { toDevice, toHost } from '../src/engine/eager.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `needs the native backend (${reason})` };

for (const work of [...trainings, ...clippings]) {
  test(`${work.name}: single steps and loops have the bits of the eager engine`, onNative, () => {
    const { step, state, inputs } = stepsOf(work);
    const examples = toDevice(inputs[0] ?? {});
    const some = inputs.slice(0, 3);
    const [single, loop] = [false, true].map((looped) => {
      const compiled = compileStep(step, state, { inputs: examples, loop: looped });
      const rows = compiled.call(some);
      const after = compiled.read();
      compiled.dispose();
      return { rows, after };
    });
    let held = state;
    const rows = some.map((batch) => {
      const { state: next, scalars } = tf.tidy(() => step(held, toDevice(batch)));
      held = next;
      return Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, value.dataSync()[0]]));
    });
    const byOps = { rows, after: toHost(held) };
    assert.deepEqual(single, byOps);
    assert.deepEqual(loop, byOps);
    tf.dispose([state, held, examples]);
  });
}

/** Six rounds in which clipbench takes 1 ms or so, and a peer `factor` times as long. */
const timings = (factor: number): Timing[] =>
  [1, 1.1, 0.9, 1.02, 0.98, 1.05].flatMap((ms, round) => [
    { round, work: 'mlp', system: 'clipbench-compiled', profile: 'repro', ms },
    { round, work: 'mlp', system: 'clipbench-compiled', profile: 'fast', ms: 2 * ms },
    { round, work: 'mlp', system: 'torch-eager', profile: '', ms: ms * factor * (1 + round / 100) },
  ]);

test('a median stands with the interval that six rounds allow, and a ratio with the faster profile', () => {
  const [row] = rowsOf(timings(2));
  assert.deepEqual(row, {
    work: 'mlp',
    profile: 'repro',
    system: 'clipbench-compiled',
    median_ms: 1.01,
    lo_ms: 0.9,
    hi_ms: 1.1,
    rounds: 6,
  });
  const [ratio] = ratiosOf(timings(2));
  assert.equal(ratio?.profile, 'repro');
  assert.ok(Math.abs((ratio?.estimate ?? 0) / 2.05 - 1) < 0.01, `${ratio?.estimate}`);
});

test('verdicts follow the interval, and what was set out for may be missed while ahead', () => {
  const verdict = (factor: number) => ratiosOf(timings(factor)).map((one) => [one.verdict, one.factor, one.reached])[0];
  assert.deepEqual(verdict(2), ['ahead', 1.5, true]);
  assert.deepEqual(verdict(1.2), ['ahead', 1.5, false]);
  assert.deepEqual(verdict(0.98), ['undecided', 1.5, false]);
  assert.deepEqual(verdict(0.5), ['behind', 1.5, false]);
});

test('tables hold every work and system, and say what was missed', () => {
  assert.match(timesTable(rowsOf(timings(2))), /\| `mlp` \| 1\.01 repro \| 2\.0/);
  assert.match(ratiosTable(ratiosOf(timings(1.2))), /\| `torch-eager` \| 1\.23 \| .* \| ahead \| 1\.5 \(missed\) \|/);
});
