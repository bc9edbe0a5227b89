import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Written in pieces, so that this file doesn't name what it forbids. */
const forbidden: Record<string, RegExp> = {
  'a folder beside the project': new RegExp(`\\.\\./${'shared'}\\b`),
  'an absolute home or working path': new RegExp(
    `(^|[^A-Za-z0-9_.])/(${['ro' + 'ot', 'ho' + 'me', 'Us' + 'ers', 'wo' + 'rk'].join('|')})/[A-Za-z0-9_.]`,
    'm',
  ),
  'a package registry': new RegExp(
    [`registry\\.${'npmjs'}`, `${'pypi'}\\.org`, `files\\.${'pythonhosted'}`, `deb\\.${'debian'}`].join('|'),
  ),
};

test('no tracked file names a place that only one machine has', (context) => {
  if (!existsSync(join(root, '.git'))) return context.skip('not a git checkout');
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  }).split('\0');
  const found = files
    .filter((file) => file !== '' && existsSync(join(root, file)))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return Object.entries(forbidden).flatMap(([what, pattern]) => (pattern.test(text) ? [`${file}: ${what}`] : []));
    });
  assert.deepEqual(found, []);
});
