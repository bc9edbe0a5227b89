/** `clipbench apply` on the gradients of several workers: a state for each, on both engines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applySchema, applySteps } from '../src/apply/steps.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { type Engine, UsageError } from '../src/types.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();

/** A gradient with one entry. */
const of = (x: number) => [{ s: [1], d: [x] }];
const bound = 1;
const run = (engine: Engine, steps: number[][]) => {
  const input = applySchema.parse({
    strategy: { name: 'S25', tau: bound },
    steps: steps.map((workers) => ({ workers: workers.map(of) })),
  });
  return applySteps(input, engine).steps.map(({ grads }) => (Array.isArray(grads) ? grads[0]?.d[0] : undefined));
};

/** Two workers that send at most 1 more or less than before: 1 and -0.5, then 2 and -0.5, then 3 and 0.5. */
const steps = [
  [3, -0.5],
  [3, -0.5],
  [3, 4],
];
const wanted = [0.25, 0.75, 1.75];

test('each worker of clip21 goes on from what it sent', () => assert.deepEqual(run(eager, steps), wanted));

test('compiled too', { skip: backend !== 'native' && `compiling needs the native backend (${reason})` }, () => {
  const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  assert.deepEqual(run(engine, steps), wanted);
  engine.dispose();
});

test('steps with other numbers of workers are refused', () => {
  assert.throws(
    () => run(eager, [[1, 2], [1]]),
    new UsageError('steps[1] has 1 workers and steps[0] 2; give each as many'),
  );
});
