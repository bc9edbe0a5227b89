/** Every golden case of clipping with gradients or weights in and out, on the compiled engine. */
import assert from 'node:assert/strict';
import { compiledEngine } from '../../src/engine/compiled.ts';
import { onBackends } from '../support/backends.ts';
import { appliedCases, assertApplied } from '../support/golden_apply.ts';

onBackends(['native'], 'every golden case comes out compiled too', () => {
  const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  for (const applied of appliedCases) assertApplied(applied, engine);
  engine.dispose();
});
