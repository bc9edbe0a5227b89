/** The profile `fast` (oneDNN on), for which this whole process is set up: what test/fast.test.ts has for some, for all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBackend } from '../../src/engine/backend.ts';
import { compiledEngine } from '../../src/engine/compiled.ts';
import { parts } from '../../src/parts.ts';
import { runText } from '../../src/run/text.ts';
import { train } from '../../src/train/loop.ts';
import { digitsCell, optimizer } from '../support/cells.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend('fast');
const onNative = { skip: backend !== 'native' && `needs the native backend (${reason})` };

for (const { name } of parts.optimizers) {
  test(`${name}: a new engine gives the same bits again`, onNative, () => {
    const cell = digitsCell({
      ...{ numerics: 'fast', steps: 20, eval_every: 10, telemetry: 'full' },
      ...{ optimizer: optimizer(name), learning_rate: 0.01 },
    });
    const [once, again] = [0, 1].map(() => {
      const engine = compiledEngine('fast', (why) => assert.fail(`fell back: ${why}`));
      const summary = train(cell, () => 0, engine);
      engine.dispose();
      return runText('0123456789abcdef', cell, summary);
    });
    assert.deepEqual(again, once);
  });
}
