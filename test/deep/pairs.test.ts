/** Every model on every task that it can read, for a hundred steps on every backend. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree, pairs } from '../support/pairs.ts';

for (const pair of pairs) {
  test(`${pair.title}: compiled and op by op the same bits, wasm and cpu within 1e-4 after 100 steps`, async () => {
    const met = await agree(pair, 100);
    assert.ok(met.includes('wasm') && met.includes('cpu'), `${met}`);
  });
}
