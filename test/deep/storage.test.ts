/** Stored results that are torn, altered or gone: always found, never taken for others, and had again. */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import seedrandom from 'seedrandom';
import { type ResultRecord, scan, segmentsFolder } from '../../src/run/store.ts';
import { clipbench, resultHashes } from '../support/clipbench.ts';
import {
  begin,
  goOn,
  reap,
  resultRecords,
  segmentsOf,
  storedIds,
  textsOf,
  toyBench,
  toyCells,
} from '../support/faults.ts';

const seed = process.env.CLIPBENCH_TEST_SEED ?? String(Date.now() % 1_000_000);
const bench = await toyBench({ after });
after(reap);

/** A finished folder, to be damaged. */
function copy(): string {
  const out = bench.fresh();
  cpSync(bench.calmFolder, out, { recursive: true });
  return out;
}

function segmentOf(out: string): string {
  const [segment = ''] = segmentsOf(out);
  return join(segmentsFolder(out), segment);
}

/** Nothing but a segment, to be read again and again. */
function onlySegment(): { out: string; path: string; whole: Buffer } {
  const out = bench.scratch();
  cpSync(segmentsFolder(bench.calmFolder), segmentsFolder(out), { recursive: true });
  const path = segmentOf(out);
  return { out, path, whole: readFileSync(path) };
}

const textOf = (record: ResultRecord) => JSON.stringify(record);

describe('segments', () => {
  test('cut at every one of the last 1,000 bytes: the whole records are there, the torn one is reported', () => {
    const { out, path, whole } = onlySegment();
    const known = resultRecords(out).map(textOf);
    for (let cut = 0; cut <= 1000; cut++) {
      const left = whole.subarray(0, whole.length - cut);
      writeFileSync(path, left);
      const lines = left.toString('latin1').split('\n');
      const torn = lines.pop() !== '';
      const { stored, damaged } = scan(out);
      const found = [...stored.values()].flatMap(({ results }) => [...results.values()].map(textOf));
      assert.deepEqual(found, known.slice(0, lines.length), `${cut} bytes cut off`);
      assert.equal(damaged.length, torn ? 1 : 0, `${cut} bytes cut off: ${JSON.stringify(damaged)}`);
    }
  });

  test('with a flipped bit, in 4,000 places: no record is ever another one, and a lost one is reported', () => {
    const { out, path, whole } = onlySegment();
    const random = seedrandom(`${seed} bits`);
    const known = new Map(resultRecords(out).map((record) => [record.cell_id, textOf(record)]));
    let lost = 0;
    for (let n = 0; n < 4000; n++) {
      const [at, bit] = [Math.floor(random() * whole.length), Math.floor(random() * 8)];
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(whole.readUInt8(at) ^ (1 << bit), at);
      writeFileSync(path, flipped);
      const { stored, damaged } = scan(out);
      const why = `CLIPBENCH_TEST_SEED=${seed}: bit ${bit} of byte ${at}`;
      const found = [...stored.values()].flatMap(({ results, failures }) => {
        assert.equal(failures.size, 0, why);
        return [...results.values()];
      });
      for (const record of found) assert.equal(textOf(record), known.get(record.cell_id), why);
      if (found.length < known.size) assert.ok(damaged.length > 0, `${why}: lost without a word`);
      lost += found.length < known.size ? 1 : 0;
    }
    assert.equal(lost, 4000, 'every byte of a segment counts');
  });

  for (const cut of [1, 2, 100, 300, 395]) {
    test(`cut ${cut} bytes before its end: the command does what is missing`, async () => {
      const out = copy();
      const path = segmentOf(out);
      truncateSync(path, statSync(path).size - cut);
      const { stdout } = await goOn(bench, out, { why: `${cut} bytes cut off` });
      assert.match(stdout, /torn or altered are done again: 1 \(w1-.*\.log:\d+, torn\)/);
    });
  }

  test('with a flipped bit in the middle, or as a line feed: the command does what is missing', async () => {
    for (const alter of [
      (body: Buffer) => body.writeUInt8(body.readUInt8(5000) ^ 4, 5000),
      (body: Buffer) => body.writeUInt8(10, 4000),
      (body: Buffer) => body.writeUInt8(32, body.indexOf(10)),
    ]) {
      const out = copy();
      const body = readFileSync(segmentOf(out));
      alter(body);
      writeFileSync(segmentOf(out), body);
      const { stdout } = await goOn(bench, out, { why: String(alter) });
      assert.match(stdout, /torn or altered are done again/);
    }
  });

  test('deleted: its cells are run again', async () => {
    const out = bench.fresh();
    const { code, stderr } = await begin(bench, out, ['--jobs', '3']).ended;
    assert.equal(code, 0, stderr);
    const segments = segmentsOf(out);
    assert.equal(segments.length, 3, segments.join());
    for (const segment of segments) {
      rmSync(join(segmentsFolder(out), segment));
      await goOn(bench, out, { why: `${segment} deleted` });
    }
    for (const segment of segmentsOf(out)) rmSync(join(segmentsFolder(out), segment));
    await goOn(bench, out, { why: 'all segments deleted', done: 0 });
  });
});

/** What can happen to the texts of cells. One of the same length is seen to be altered only when it is read. */
const alterations: { what: string; named: number; length: 'same' | 'other'; alter(texts: string[]): void }[] = [
  {
    what: 'a flipped bit each in three texts',
    named: 3,
    length: 'same',
    alter(texts) {
      const random = seedrandom(`${seed} texts`);
      for (const path of texts.slice(4, 7)) {
        const body = readFileSync(path);
        const at = Math.floor(random() * body.length);
        body.writeUInt8(body.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
        writeFileSync(path, body);
      }
    },
  },
  { what: 'a text deleted', named: 1, length: 'other', alter: ([path = '']) => rmSync(path) },
  { what: 'a text cut short', named: 1, length: 'other', alter: ([path = '']) => truncateSync(path, 700) },
  { what: 'an empty text', named: 1, length: 'other', alter: ([path = '']) => truncateSync(path, 0) },
  {
    what: 'the text of another cell, longer or shorter, in its place',
    named: 1,
    length: 'other',
    alter(texts) {
      const [path = '', ...others] = texts;
      const other = others.find((name) => statSync(name).size !== statSync(path).size);
      copyFileSync(other ?? '', path);
    },
  },
  {
    what: 'the text of another cell of the same length in its place',
    named: 1,
    length: 'same',
    alter(texts) {
      const pair = texts.flatMap((one) => {
        const twin = texts.find((other) => other !== one && statSync(other).size === statSync(one).size);
        return twin === undefined ? [] : [[one, twin]];
      });
      const [[one = '', twin = ''] = []] = pair;
      copyFileSync(twin, one);
    },
  },
];

describe('texts of cells', { concurrency: 2 }, () => {
  for (const { what, named, length, alter } of alterations) {
    test(`${what}: collect ends with 1 and names it, the CSV files stay, run does it again`, async () => {
      const out = copy();
      const before = new Map(textsOf(out).map((path) => [path, readFileSync(path)]));
      alter(textsOf(out));
      const altered = [...before].filter(([path, body]) => !existsSync(path) || !readFileSync(path).equals(body));
      assert.equal(altered.length, named, 'the test has to alter something');
      const { code, stdout, stderr } = await clipbench(['collect', out]);
      assert.equal(code, 1, `${stdout}${stderr}`);
      for (const [path] of altered) assert.ok(stderr.includes(path), stderr);
      assert.deepEqual(resultHashes(out), bench.calm);
      await goOn(bench, out, { why: what, done: toyCells - named });
    });

    test(`${what}: run finds it by itself`, async () => {
      const out = copy();
      alter(textsOf(out));
      await goOn(bench, out, { why: what, done: length === 'same' ? toyCells : toyCells - named });
    });
  }

  test('all of them gone: all is run again', async () => {
    const out = copy();
    for (const path of textsOf(out)) rmSync(path);
    await goOn(bench, out, { why: 'no texts', done: 0 });
  });
});

test('what killed processes leave behind disturbs nothing and gets into no result', async () => {
  const out = copy();
  const [text = ''] = textsOf(out);
  const rubbish = 'feedfacefeedface,0,rubbish\n';
  const places = ['runs.csv', 'steps.csv', 'evals.csv', 'signals.csv', 'timing.csv', 'failures.csv', 'manifest.json'];
  const left = [
    ...places.map((name) => join(out, `${name}.4000000.tmp`)),
    ...['plan.json', 'live.json'].map((name) => join(out, 'cells', `${name}.4000000.tmp`)),
    ...['live.json', 'lock.json', 'lock.json.stale'].map((name) => join(out, 'cells', `${name}.4000000`)),
    `${text}.4000000.tmp`,
    `${segmentOf(out)}.4000000.tmp`,
    join(dirname(text), 'feedfacefeedface.txt.4000000.tmp'),
    join(dirname(text), 'feedfacefeedface.txt'),
    join(out, '.writable-4000000'),
    join(segmentsFolder(out), '.writable-4000000'),
  ];
  for (const path of left) writeFileSync(path, rubbish);
  truncateSync(segmentOf(out), statSync(segmentOf(out)).size - 1);
  await goOn(bench, out, { why: 'leftovers' });
  for (const verb of ['collect', 'verify']) {
    const { code, stdout, stderr } = await clipbench([verb, out]);
    assert.equal(code, 0, `${verb}: ${stdout}${stderr}`);
    assert.deepEqual(resultHashes(out), bench.calm, verb);
  }
  assert.equal(storedIds(out).size, toyCells);
});

test('a broken manifest, plan, lock, live file or mark is no obstacle', async () => {
  for (const body of ['', '{"cells":', '[]', '\0\0\0\0']) {
    const out = copy();
    truncateSync(segmentOf(out), statSync(segmentOf(out)).size - 400);
    for (const name of ['plan.json', 'live.json', 'lock.json', 'finished.json'])
      writeFileSync(join(out, 'cells', name), body);
    writeFileSync(join(out, 'manifest.json'), body);
    await goOn(bench, out, { why: JSON.stringify(body) });
  }
});
