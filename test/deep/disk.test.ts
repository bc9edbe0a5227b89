/** Nowhere to write: a full disk, at every write and of every size, and folders that can't be written. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { segmentsFolder } from '../../src/run/store.ts';
import { clipbench } from '../support/clipbench.ts';
import {
  assertOneLine,
  begin,
  beginAs,
  goOn,
  noProc,
  reap,
  segmentsOf,
  storedIds,
  toyBench,
  toyCells,
  withWriteFault,
} from '../support/faults.ts';

const bench = await toyBench({ after });
after(reap);

const isRoot = process.getuid?.() === 0;
/** Nobody in particular. */
const another = 65534;

describe('a full disk', { concurrency: 2 }, () => {
  const noLimit = !existsSync('/bin/bash') && 'needs ulimit';
  for (const kilobytes of [1, 2, 5, 9, 13, 20, 40]) {
    test(`no file longer than ${kilobytes} KB: one line, exit code 2, and nothing is lost`, {
      skip: noLimit,
    }, async () => {
      const out = bench.fresh();
      for (const jobs of ['1', '3']) {
        const stored = storedIds(out);
        const words = ['run', bench.file, '--out', out, '--jobs', jobs];
        const ended = await clipbench(words, {}, kilobytes);
        const why = `${kilobytes} KB: ${ended.stdout}${ended.stderr}`;
        assert.equal(ended.code, 2, why);
        assertOneLine(ended, /can't be written any more \(no room: EFBIG\); what is done is kept; make room/, why);
        const now = storedIds(out);
        assert.ok(
          [...stored].every((id) => now.has(id)),
          why,
        );
      }
      // What a call that failed could not finish is put right by the next one, in silence.
      const { stdout } = await goOn(bench, out, { why: `${kilobytes} KB` });
      assert.doesNotMatch(stdout, /torn|altered/);
    });
  }

  for (const who of ['parent', 'worker'] as const) {
    test(`full from each write of a ${who} on, one after the other`, { skip: noProc }, async () => {
      const out = bench.fresh();
      const fault = withWriteFault(bench.scratch(), { who, what: 'full', out });
      for (let write = 1; ; write++) {
        const stored = storedIds(out);
        const ended = await begin(bench, out, ['--jobs', '1'], fault.env).ended;
        const why = `write ${write} of a ${who}: ${ended.stdout}${ended.stderr}`;
        const now = storedIds(out);
        assert.ok(
          [...stored].every((id) => now.has(id)),
          why,
        );
        if (ended.code === 0) break;
        assert.equal(ended.code, 2, why);
        assertOneLine(ended, /ENOSPC/, why);
        assert.equal(fault.met(), write, why);
      }
      await goOn(bench, out, { why: `full at every write of a ${who}` });
      assert.ok(fault.met() > 10, `${fault.met()} writes only`);
    });
  }

  test('a small file system, with 0 to 250 KB left, or no inode', async (context) => {
    const mounted = bench.scratch();
    if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mounted]).status !== 0) {
      context.skip('no tmpfs can be mounted: needs root and mount');
      return;
    }
    context.after(() => execFileSync('umount', [mounted]));
    for (const left of [0, 4, 16, 60, 120, 180, 250]) {
      const out = join(mounted, `out-${left}`);
      const ballast = join(mounted, 'ballast');
      mkdirSync(out);
      const full = writeUntilFull(ballast);
      writeFileSync(ballast, Buffer.alloc(full - left * 1024));
      const ended = await clipbench(['run', bench.file, '--out', out, '--jobs', '2']);
      const why = `${left} KB left: ${ended.stdout}${ended.stderr}`;
      assert.equal(ended.code, 2, why);
      assertOneLine(ended, /ENOSPC/, why);
      rmSync(ballast);
      await goOn(bench, out, { why });
      rmSync(out, { recursive: true });
    }
    for (const inodes of [12, 20, 30]) {
      const out = join(mounted, `inodes-${inodes}`);
      execFileSync('mount', ['-o', `remount,nr_inodes=${inodes}`, mounted]);
      const ended = await clipbench(['run', bench.file, '--out', out, '--jobs', '2']);
      const why = `${inodes} inodes: ${ended.stdout}${ended.stderr}`;
      assert.equal(ended.code, 2, why);
      assertOneLine(ended, /ENOSPC/, why);
      execFileSync('mount', ['-o', 'remount,nr_inodes=4096', mounted]);
      await goOn(bench, out, { why });
      rmSync(out, { recursive: true });
    }
  });
});

/** How many bytes there was room for. */
function writeUntilFull(path: string): number {
  spawnSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=1k']);
  return lstatSync(path).size;
}

describe('a folder that can not be written', { concurrency: 2 }, async () => {
  const unreadable = await whyUnreadable();

  /** A folder with a cell left to do. */
  const unfinished = (): string => {
    const out = bench.fresh();
    cpSync(bench.calmFolder, out, { recursive: true });
    for (const segment of segmentsOf(out)) writeFileSync(join(segmentsFolder(out), segment), '');
    return out;
  };
  const cases: { what: string; make(): { out: string; closed: string[] } }[] = [
    {
      what: 'where there is none yet, and none can be made',
      make() {
        const place = bench.scratch();
        return { out: join(place, 'out'), closed: [place] };
      },
    },
    {
      what: 'all of it',
      make() {
        const out = unfinished();
        return { out, closed: [out, ...foldersIn(out)] };
      },
    },
    {
      what: 'the folder itself, not what is in it',
      make() {
        const out = unfinished();
        return { out, closed: [out] };
      },
    },
    {
      what: 'cells/ alone',
      make() {
        const out = unfinished();
        return { out, closed: [join(out, 'cells')] };
      },
    },
    {
      what: 'cells/ and all in it',
      make() {
        const out = unfinished();
        return { out, closed: foldersIn(out) };
      },
    },
    {
      what: 'cells/segments/ alone',
      make() {
        const out = unfinished();
        return { out, closed: [segmentsFolder(out)] };
      },
    },
  ];
  for (const { what, make } of cases) {
    test(`${what}: one line, exit code 2, nothing is written`, { skip: unreadable }, async (context) => {
      const { out, closed } = make();
      if (isRoot) for (const folder of [out, ...foldersIn(out)].filter(existsSync)) chownSync(folder, another, another);
      for (const folder of closed) chmodSync(folder, 0o555);
      context.after(() => {
        for (const folder of closed) chmodSync(folder, 0o755);
      });
      if (isRoot) for (const folder of closed) chownSync(folder, 0, 0);
      const before = listing(out);
      const ended = await beginAs(isRoot ? another : undefined, ['run', bench.file, '--out', out, '--jobs', '1']).ended;
      const why = `${what}: ${ended.stdout}${ended.stderr}`;
      assert.equal(ended.code, 2, why);
      assertOneLine(ended, /(EACCES|EROFS|EPERM).*--out|(EACCES|EROFS|EPERM).*can be (read and )?written/, why);
      assert.deepEqual(listing(out), before, why);
      for (const folder of closed) chmodSync(folder, 0o755);
      await goOn(bench, out, { why: what });
      assert.equal(storedIds(out).size, toyCells, why);
    });
  }
});

/** Another user has to be able to read this package to run it at all. */
async function whyUnreadable(): Promise<string | false> {
  chmodSync(bench.folder, 0o755);
  if (!isRoot) return false;
  const { code, stderr } = await beginAs(another, ['plan', bench.file]).ended;
  return code !== 0 && `user ${another} can't run this package: ${stderr.split('\n', 1)[0]}`;
}

function foldersIn(out: string): string[] {
  if (!existsSync(out)) return [];
  const entries = readdirSync(out, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

/** Every file and folder, with when its content last changed. */
function listing(out: string): string[] {
  if (!existsSync(out)) return [];
  return readdirSync(out, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => `${name} ${lstatSync(join(out, name)).isFile() ? lstatSync(join(out, name)).mtimeMs : ''}`);
}
