/** Many more of the combinations of test/compiled.test.ts. */
import assert from 'node:assert/strict';
import { compiledEngine } from '../../src/engine/compiled.ts';
import { eager } from '../../src/engine/eager.ts';
import { runText } from '../../src/run/text.ts';
import { train } from '../../src/train/loop.ts';
import type { Cell, Engine } from '../../src/types.ts';
import { onBackends } from '../support/backends.ts';
import { randomCells } from '../support/combinations.ts';

const textOf = (cell: Cell, engine: Engine) =>
  runText(
    '0123456789abcdef',
    cell,
    train(cell, () => 0, engine),
  );

onBackends(['native'], '150 random combinations give the bits of the eager engine', () => {
  const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  for (const cell of randomCells('more combinations', 150)) {
    assert.deepEqual(textOf(cell, engine), textOf(cell, eager), JSON.stringify(cell));
  }
  engine.dispose();
});
