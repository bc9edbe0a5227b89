import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parts } from '../src/parts.ts';
import { sizeOf } from '../src/size.ts';
import { choice } from './support/cells.ts';

test('parameters are counted without being drawn, which would take an hour', () => {
  const task = choice(parts.tasks, 'mnist');
  const wide = choice(parts.models, 'deep_linear', { depth: 3, width: 4000, init: 'orthogonal' });
  assert.equal(sizeOf(task, wide).parameters, 784 * 4000 + 2 * 4000 * 4000 + 4000 * 10);
});
