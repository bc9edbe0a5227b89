import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { experimentFile, temporaryFolder } from './support/clipbench.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The README's code block that begins with this comment. */
function fromReadme(file: string): string {
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
  const block = blocks.find((match) => match[1] === file);
  assert.ok(block?.[2], `the README has no block for ${file}`);
  return block[2];
}

test("the README's new strategy takes one file and one line, and runs", (context) => {
  const copy = temporaryFolder(context);
  for (const folder of ['src', 'scripts']) cpSync(join(root, folder), join(copy, folder), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  mkdirSync(join(copy, 'experiments'));

  writeFileSync(join(copy, 'src/strategies/halve.ts'), fromReadme('src/strategies/halve.ts'));
  const line = fromReadme('src/strategies/index.ts');
  assert.equal(line.trim().split('\n').length, 1);
  appendFileSync(join(copy, 'src/strategies/index.ts'), line);

  const file = experimentFile(
    join(copy, 'experiments'),
    `question: Does halving work?
seeds: 1
steps: 3
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [halve, {name: halve, factor: 0.25}]
`,
  );
  const ran = spawnSync(
    process.execPath,
    [join(copy, 'scripts/clipbench.mjs'), 'run', file, '--out', join(copy, 'out')],
    { encoding: 'utf8' },
  );
  assert.equal(ran.status, 0, ran.stderr);
  const coefficients = readFileSync(join(copy, 'out/steps.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(',')[6]);
  assert.deepEqual(coefficients, ['0.5', '0.5', '0.5', '0.25', '0.25', '0.25']);
});
