import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { activeHolder, type Holder, takeLock } from '../src/run/lock.ts';
import { UsageError } from '../src/types.ts';
import { temporaryFolder } from './support/clipbench.ts';

const lockFile = (folder: string) => join(folder, 'cells', 'lock.json');

/** A lock as another process would have left it. */
function leave(folder: string, changes: Partial<Holder>): void {
  takeLock(folder, 'another')(); // makes the folder
  const holder = {
    pid: 1,
    host: hostname(),
    started: '2026-01-02T03:04:05.678Z',
    process_start: '',
    command: 'another',
  };
  writeFileSync(lockFile(folder), JSON.stringify({ ...holder, ...changes }));
}

/** No process has this number: Linux gives out none above 2^22. */
const NOBODY = 2 ** 30;

test('a lock says who holds it, refuses a second holder and goes when it is given back', (context) => {
  const folder = temporaryFolder(context);
  const release = takeLock(folder, 'clipbench run x.yaml');
  assert.equal(activeHolder(folder)?.pid, process.pid);
  assert.equal(activeHolder(folder)?.command, 'clipbench run x.yaml');
  assert.throws(
    () => takeLock(folder, 'again'),
    (error) =>
      error instanceof UsageError &&
      new RegExp(`is being written by process ${process.pid} on .* since 20.*; wait for it, stop it, or .*--out`).test(
        error.message,
      ),
  );
  release();
  assert.equal(activeHolder(folder), undefined);
  assert.deepEqual(readdirSync(join(folder, 'cells')), []);
});

test('a lock of a process that is gone is taken over', (context) => {
  const folder = temporaryFolder(context);
  leave(folder, { pid: NOBODY });
  assert.equal(activeHolder(folder), undefined);
  takeLock(folder, 'next')();
  assert.ok(!existsSync(lockFile(folder)), 'given back');
});

test('a lock whose process number belongs to a later process is taken over', {
  skip: !existsSync('/proc/self/stat') && 'needs /proc',
}, (context) => {
  const folder = temporaryFolder(context);
  leave(folder, { pid: process.pid, process_start: '1 of another boot' });
  takeLock(folder, 'next')();
});

test('a lock of another machine is respected, and the remedy named', (context) => {
  const folder = temporaryFolder(context);
  leave(folder, { pid: NOBODY, host: 'elsewhere' });
  assert.throws(
    () => takeLock(folder, 'next'),
    /process \d+ on elsewhere since .*; if that process is gone, delete .*lock\.json/,
  );
});

test('a lock that is half a file is no lock, and only the own one is given back', (context) => {
  const folder = temporaryFolder(context);
  leave(folder, {});
  writeFileSync(lockFile(folder), '{"pid":');
  const release = takeLock(folder, 'next');
  leaveOther(folder);
  release();
  assert.match(readFileSync(lockFile(folder), 'utf8'), /elsewhere/);
});

function leaveOther(folder: string): void {
  writeFileSync(
    lockFile(folder),
    JSON.stringify({ pid: 1, host: 'elsewhere', started: '2026-01-02T03:04:05.678Z', process_start: '', command: '' }),
  );
}
