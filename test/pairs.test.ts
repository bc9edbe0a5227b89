/** Every model and every task, trained on every backend; all pairs of them are in the deep tier. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parts } from '../src/parts.ts';
import { agree, few, pairs } from './support/pairs.ts';

for (const pair of few) {
  test(`${pair.title}: compiled and op by op the same bits, wasm and cpu within 1e-5 after 10 steps`, async () => {
    const met = await agree(pair, 10);
    assert.ok(met.includes('wasm') && met.includes('cpu'), `${met}`);
  });
}

test('every model has a task that it can learn, and every task a model', () => {
  for (const { name } of parts.models)
    assert.ok(
      pairs.some(({ model }) => model.name === name),
      name,
    );
  const files = parts.tasks.filter(({ options }) => !options.safeParse({}).success).map(({ name }) => name);
  for (const { name } of parts.tasks)
    assert.ok(files.includes(name) || pairs.some(({ task }) => task.name === name), name);
});
