/** What the README shows of `clipbench/tfjs`, run as somebody's own program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './support/clipbench.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test("the README's program of TensorFlow.js runs outside of clipbench and says what is shown", (context) => {
  const section = /## In your own TensorFlow\.js program\n([\s\S]*?)\n## /.exec(
    readFileSync(join(root, 'README.md'), 'utf8'),
  );
  const [program, shown] = [...(section?.[1] ?? '').matchAll(/```(?:ts)?\n([\s\S]*?)```/g)].map((block) => block[1]);
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'clipbench'));
  for (const name of ['@tensorflow', 'tsx'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'program.mts'), program ?? assert.fail('the README has no program'));
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'program.mts'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(stdout, shown, stderr);
});
