/**
 * `npm run equal`: every strategy (and pair of them) with every optimizer, model and size of gradient, compiled and op by op. All
 * that is kept of a run has to be equal, bit for bit. The tests hold a part of it; this takes minutes.
 */

import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { parts } from '../src/parts.ts';
import { runText } from '../src/run/text.ts';
import { train } from '../src/train/loop.ts';
import type { Cell, Engine } from '../src/types.ts';
import { addingCell, digitsCell, optimizer, strategy } from '../test/support/cells.ts';
import { variants } from '../test/support/choices.ts';

await loadBackend('repro');
const engine = compiledEngine('repro', (why) => {
  throw new Error(`fell back: ${why}`);
});
const textOf = (cell: Cell, on: Engine) => {
  const text = runText(
    '0123456789abcdef',
    cell,
    train(cell, () => 0, on),
  );
  return JSON.stringify(text);
};

const singles = parts.strategies.flatMap((part) => variants(part).map((options) => strategy(part.name, options)));
const chains = [...singles.map((one) => [one]), ...singles.flatMap((a) => singles.map((b) => [a, b]))];
const optimizers = parts.optimizers.flatMap((part) => variants(part).map((options) => optimizer(part.name, options)));
let [done, different] = [0, 0];
for (const base of [digitsCell, addingCell]) {
  for (const chain of chains) {
    for (const own of optimizers) {
      for (const gradient_scale of [1, 1e30, 1e38, 1e-38]) {
        // 23 steps: a loop of 20 and what is left of the evaluation interval.
        const changes = { steps: 23, eval_every: 23, telemetry: 'full', gradient_scale } as const;
        const cell = base({ ...changes, strategy: chain, optimizer: own, learning_rate: 0.01 });
        done += 1;
        if (textOf(cell, engine) === textOf(cell, eager)) continue;
        different += 1;
        process.stdout.write(`different: ${JSON.stringify(cell)}\n`);
      }
    }
  }
}
process.stdout.write(`${done} cells, ${different} different\n`);
process.exitCode = different > 0 ? 1 : 0;
