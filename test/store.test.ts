import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { clean } from '../src/run/aside.ts';
import {
  eachPart,
  type FailureRecord,
  openSegment,
  readText,
  type Segment,
  scan,
  textParts,
} from '../src/run/store.ts';
import { temporaryFolder } from './support/clipbench.ts';

const id = (n: number) => n.toString(16).padStart(16, '0');
const fingerprint = '0123456789ab';

function commit(segment: Segment, n: number, word = 'text'): void {
  const facts = { status: 'completed' as const, timing: `${id(n)}\n`, seconds: 1, data: {}, code: 'c' };
  segment.commit(
    eachPart((part) => `${part} ${word} ${n}\n`),
    { ...facts, fingerprint, cell_id: id(n) },
  );
}

const failure = (n: number, status: FailureRecord['status'] = 'failed'): FailureRecord => ({
  status,
  fingerprint,
  cell_id: id(n),
  attempts: 2,
  error: 'e',
  log: 'l',
});

const resultsOf = (folder: string) => scan(folder).stored.get(fingerprint)?.results ?? new Map();
const idsOf = (folder: string) => [...resultsOf(folder).keys()];
const segmentOf = (folder: string) => {
  const [name = ''] = readdirSync(join(folder, 'cells', 'segments'));
  return join(folder, 'cells', 'segments', name);
};

test('what is committed is read back, part by part', (context) => {
  const folder = temporaryFolder(context);
  const segment = openSegment(folder, 'w1', new Date());
  for (const n of [1, 2, 3]) commit(segment, n);
  assert.deepEqual(idsOf(folder), [1, 2, 3].map(id));
  const record = resultsOf(folder).get(id(2));
  const text = record && readText(folder, record);
  for (const part of textParts) assert.equal(text?.[part].toString(), `${part} text 2\n`);
});

test('a newer record stands for an older one, across segments', (context) => {
  const folder = temporaryFolder(context);
  commit(openSegment(folder, 'w2', new Date(1000)), 1, 'old');
  commit(openSegment(folder, 'w1', new Date(2000)), 1, 'new');
  const record = resultsOf(folder).get(id(1));
  assert.equal(record && readText(folder, record)?.run.toString(), 'run new 1\n');
});

test('a failure is forgotten when the cell has a newer result, and kept when the failure is newer', (context) => {
  const folder = temporaryFolder(context);
  openSegment(folder, 'parent', new Date(1000)).fail(failure(1));
  commit(openSegment(folder, 'w1', new Date(2000)), 1);
  commit(openSegment(folder, 'w1', new Date(3000)), 2);
  openSegment(folder, 'parent', new Date(4000)).fail(failure(2, 'timeout'));
  const stored = scan(folder).stored.get(fingerprint);
  assert.deepEqual(
    [...(stored?.failures.values() ?? [])].map(({ cell_id, status }) => [cell_id, status]),
    [[id(2), 'timeout']],
  );
});

test('a segment cut anywhere yields the records before the cut, and names the torn line', (context) => {
  const folder = temporaryFolder(context);
  const segment = openSegment(folder, 'w1', new Date());
  for (const n of [1, 2, 3]) commit(segment, n);
  const path = segmentOf(folder);
  const whole = readFileSync(path);
  const ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const { stored, damaged } = scan(folder);
    const before = ends.filter((end) => end <= length).length;
    assert.equal(stored.get(fingerprint)?.results.size ?? 0, before, `cut at ${length}`);
    assert.equal(damaged.length, length === 0 || ends.includes(length) ? 0 : 1, `cut at ${length}`);
  }
});

test('no flipped bit goes unseen: the record is left out and named, and the others stay', (context) => {
  const folder = temporaryFolder(context);
  const segment = openSegment(folder, 'w1', new Date());
  for (const n of [1, 2, 3]) commit(segment, n);
  const path = segmentOf(folder);
  const whole = readFileSync(path);
  const before = JSON.stringify([...resultsOf(folder).values()]);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      writeFileSync(path, flipped);
      const { stored, damaged } = scan(folder);
      const records = [...(stored.get(fingerprint)?.results.values() ?? [])];
      assert.ok(damaged.length > 0, `byte ${at}, bit ${bit}`);
      for (const record of records) assert.ok(before.includes(JSON.stringify(record)), `byte ${at}, bit ${bit}`);
      assert.ok(records.length >= 1, `byte ${at}, bit ${bit}: one flip costs two records at most`);
    }),
    { numRuns: 500 },
  );
});

test('cleaning takes damaged lines out, keeps them aside, and leaves the whole ones', (context) => {
  const folder = temporaryFolder(context);
  const segment = openSegment(folder, 'w1', new Date());
  for (const n of [1, 2]) commit(segment, n);
  appendFileSync(segmentOf(folder), 'no record\nhalf a li');
  const { damaged } = scan(folder);
  assert.deepEqual(
    damaged.map(({ line, torn }) => [line, torn]),
    [
      [3, false],
      [4, true],
    ],
  );
  clean(folder, damaged);
  assert.deepEqual(scan(folder).damaged, []);
  assert.deepEqual(idsOf(folder), [id(1), id(2)]);
  const [aside = ''] = readdirSync(join(folder, 'cells', 'aside'));
  assert.match(readFileSync(join(folder, 'cells', 'aside', aside), 'utf8'), /^no record\n.*half a li\n$/);
});

test('a text that was altered, cut or lost is not read', (context) => {
  const folder = temporaryFolder(context);
  commit(openSegment(folder, 'w1', new Date()), 1);
  const record = resultsOf(folder).get(id(1));
  const path = join(folder, 'cells', fingerprint, '00', `${id(1)}.txt`);
  const whole = readFileSync(path, 'utf8');
  for (const text of [whole.replace('run', 'ran'), whole.slice(0, -1), `${whole}\n`, '']) {
    writeFileSync(path, text);
    assert.equal(record && readText(folder, record), undefined);
  }
});

test('a record of another format is no result, and no damage either', (context) => {
  const folder = temporaryFolder(context);
  const segment = openSegment(folder, 'w1', new Date());
  for (const n of [1, 2]) commit(segment, n);
  const path = segmentOf(folder);
  const [line = '', ...rest] = readFileSync(path, 'utf8').split('\n');
  const json = line.slice(17).replace(/"format":"\w+"/, '"format":"00000000"');
  writeFileSync(path, [`${hash('sha256', json).slice(0, 16)} ${json}`, ...rest].join('\n'));
  const { damaged, outdated } = scan(folder);
  assert.deepEqual([damaged, outdated, idsOf(folder)], [[], 1, [id(2)]]);
});
