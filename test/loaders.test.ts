import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readCsv } from '../src/data/csv.ts';
import { idxShape, readIdx } from '../src/data/idx.ts';
import { type ImageFiles, labelledImages } from '../src/data/image_files.ts';
import { readJsonLines } from '../src/data/json_lines.ts';
import { partition } from '../src/data/partition.ts';
import { type Meaning, tableExamples } from '../src/data/table.ts';
import { readBytes, readUtf8, sha256Of } from '../src/data/user_file.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { cellId, cellText, idOf } from '../src/matrix/identity.ts';
import { build, find, parts } from '../src/parts.ts';
import { type Batch, type Cell, type Split, type Task, UsageError } from '../src/types.ts';
import { dataFile, optionsOf } from './support/choices.ts';
import { clipbench, experimentFile, resultHashes, temporaryFolder } from './support/clipbench.ts';
import { assertNear } from './support/host.ts';

const splits = ['train', 'val', 'test'] as const;
const sha = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What is said, in one line; `FILE` stands for the path of the file. */
function refusal(act: () => unknown, path = 'FILE'): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.message.includes('\n'), false, 'one line');
    return error.message.replaceAll(path, 'FILE');
  }
  return 'nothing was refused';
}

function written(context: TestContext, name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(context), name);
  writeFileSync(path, content);
  return path;
}

// Splits

test('a partition has every number once, shares near 70 : 15 : 15, also in each class, and is the same every time', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 300 }), (classes) => {
      const parted = partition(classes.length, classes);
      assert.deepEqual(partition(classes.length, classes), parted);
      const all = splits.flatMap((split) => parted[split]);
      assert.deepEqual(
        [...all].sort((a, b) => a - b),
        [...classes.keys()],
      );
      for (const kind of new Set(classes)) {
        const count = classes.filter((one) => one === kind).length;
        const [train = 0, val = 0, tested = 0] = splits.map((s) => parted[s].filter((i) => classes[i] === kind).length);
        assert.ok(train >= 1, 'every class has an example to learn from');
        assertNear(train, 0.7 * count, 0.5);
        assertNear(train + val, 0.85 * count, 0.5);
        assert.ok(count < 5 || (val > 0 && tested > 0), '5 of a class are enough for every split');
      }
    }),
  ));

test('a partition is in random order', () => {
  const { train } = partition(1000);
  const descents = train.filter((value, i) => i > 0 && value < (train[i - 1] ?? 0)).length;
  assertNear(descents, train.length / 2, 50);
});

// Tables

const plants: Meaning = { target: 'kind', kind: 'classification', categorical: ['colour'], ignore: ['number'] };
const plantsTable = () => readCsv('plants.csv', readFileSync(dataFile('plants.csv'), 'utf8'));
const columnOf = ({ x, size }: Batch, width: number, column: number) =>
  Array.from({ length: size }, (_, row) => x[row * width + column] ?? Number.NaN);
const momentsOf = (values: number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
};

test('a CSV file has quotes, commas in them, empty lines, CRLF and spaces', () => {
  const table = readCsv('x.csv', 'a, b ,c\r\n1,"x, ""y""",3\r\n\r\n 4 ,5,6\r\n');
  assert.deepEqual(table, {
    file: 'x.csv',
    columns: ['a', 'b', 'c'],
    rows: [
      { line: 2, values: ['1', 'x, "y"', '3'] },
      { line: 4, values: ['4', '5', '6'] },
    ],
  });
});

test('JSON Lines hold the same table', () => {
  const { columns, rows } = readJsonLines('plants.jsonl', readFileSync(dataFile('plants.jsonl'), 'utf8'));
  const meant = (text: string | undefined) => (Number.isNaN(Number(text)) ? text : Number(text));
  const table = plantsTable();
  assert.deepEqual(columns, table.columns);
  assert.deepEqual(
    rows.map(({ values }) => values.map(meant)),
    table.rows.map(({ values }) => values.map(meant)),
  );
});

test('every row of a table is in one split, with its own target and columns', () => {
  const table = plantsTable();
  const { shape, splits: sets } = tableExamples(table, { ...plants, categorical: ['colour', 'number'], ignore: [] });
  // Of 60 numbers, 42 are in training; a number that training hasn't met is all zeros.
  assert.deepEqual(shape, { input: [42 + 3 + 3], output: 3 });
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [42, 9, 9],
  );
  const { shape: narrow, splits: own } = tableExamples(table, plants);
  assert.deepEqual(narrow, { input: [6], output: 3 });
  const parted = partition(
    60,
    Uint8Array.from({ length: 60 }, (_, row) => row % 3),
  );
  const measured = [1, 2, 3].map((column) => table.rows.map(({ values }) => Number(values[column])));
  const trained = measured.map((values) => momentsOf(parted.train.map((row) => values[row] ?? 0)));
  for (const split of splits) {
    parted[split].forEach((row, i) => {
      const [height, petals, weight, ...colours] = own[split].x.subarray(6 * i, 6 * i + 6);
      [height, petals, weight].forEach((value, column) => {
        const { mean, deviation } = trained[column] ?? momentsOf([]);
        assertNear(value, ((measured[column]?.[row] ?? 0) - mean) / deviation, 1e-6);
      });
      assert.deepEqual(
        colours,
        ['blue', 'white', 'yellow'].map((colour) => Number(colour === table.rows[row]?.values[4])),
      );
      assert.deepEqual(
        [...own[split].y.subarray(3 * i, 3 * i + 3)],
        [0, 1, 2].map((kind) => Number(kind === row % 3)),
      );
    });
  }
});

test('columns are scaled by training rows only: another row elsewhere changes nothing of them', () => {
  const table = plantsTable();
  const before = tableExamples(table, plants).splits;
  const moments = [0, 1, 2].map((column) => momentsOf(columnOf(before.train, 6, column)));
  for (const { mean, deviation } of moments) {
    assertNear(mean, 0, 1e-6);
    assertNear(deviation, 1, 1e-6);
  }
  const [odd = 0] = partition(
    60,
    Uint8Array.from({ length: 60 }, (_, i) => i % 3),
  ).test;
  const changed = table.rows.map((row, i) =>
    i === odd ? { ...row, values: row.values.map((value, c) => (c === 1 ? '1e6' : c === 4 ? 'black' : value)) } : row,
  );
  const after = tableExamples({ ...table, rows: changed }, plants).splits;
  assert.deepEqual(after.train, before.train);
  assert.deepEqual(after.val, before.val);
  assert.notDeepEqual(after.test, before.test);
  const oddRow = after.test.x.findIndex((value) => value > 1e4);
  assert.deepEqual([...after.test.x.subarray(oddRow + 3, oddRow + 6)], [0, 0, 0], 'a colour that training lacks');
});

test('the target of a regression is a number in standard deviations of the training rows', () => {
  const { shape, splits: sets } = tableExamples(plantsTable(), { ...plants, target: 'height', kind: 'regression' });
  assert.equal(shape.output, 1);
  const { mean, deviation } = momentsOf([...sets.train.y]);
  assertNear(mean, 0, 1e-6);
  assertNear(deviation, 1, 1e-6);
  assert.ok(Math.abs(momentsOf([...sets.val.y]).mean) > 1e-3, 'not by its own mean');
});

test('a column of one value becomes zeros, and classes with numbers as names are in order of value', () => {
  const rows = Array.from({ length: 30 }, (_, i) => `0.1,${i},${[10, 9, -2][i % 3]}`);
  const table = readCsv('x.csv', ['same,n,y', ...rows].join('\n'));
  const { splits: sets, shape } = tableExamples(table, { ...plants, target: 'y', categorical: [], ignore: [] });
  assert.deepEqual(new Set(columnOf(sets.train, 2, 0)), new Set([0]));
  assert.equal(shape.output, 3);
  const numbers = columnOf(sets.train, 2, 1);
  const [, , third] = [0, 1, 2].map((kind) => numbers.filter((_, row) => sets.train.y[3 * row + kind] === 1));
  assert.equal(third?.length, 7, 'class 10 is the last');
});

const numbers = (count: number, line = (i: number) => `${i},${i % 2}`) =>
  Array.from({ length: count }, (_, i) => line(i));
const csv = (...lines: string[]) => [...lines].join('\n');
const simple: Meaning = { target: 'y', kind: 'classification', categorical: [], ignore: [] };
const wrongTables: { what: string; text: string; meaning?: Partial<Meaning>; says: RegExp }[] = [
  { what: 'nothing', text: '', says: /^FILE: is empty; / },
  { what: 'a header alone', text: 'x,y\n', says: /^FILE: has no row below its header; / },
  { what: 'a name twice', text: 'x,y,x\n1,2,3', says: /^FILE:1: column 3 is named "x" as column 1 is; / },
  { what: 'a column without a name', text: 'x,,y\n1,2,3', says: /^FILE:1: column 2 has no name; / },
  { what: 'semicolons', text: 'x;y\n1;2', says: /^FILE:1: column 1 is the only one, named "x;y"; .*commas/ },
  { what: 'a ragged row', text: csv('x,y', '1,2', '1', '3,4'), says: /^FILE:3: has 1 fields where the header has 2; / },
  { what: 'a long row', text: csv('x,y', '1,2,3'), says: /^FILE:2: has 3 fields where the header has 2; / },
  { what: 'an open quote', text: csv('x,y', '1,2', '"3,4'), says: /^FILE:\d: Quote Not Closed.*; mend the quotes$/ },
  {
    what: 'a word',
    text: csv('x,y', ...numbers(9), 'N/A,1'),
    says: /^FILE:11: field 1 \(x\) is "N\/A", which is no number; /,
  },
  { what: 'NaN', text: csv('x,y', 'NaN,1', ...numbers(9)), says: /^FILE:2: field 1 \(x\) is NaN; / },
  { what: 'an empty value', text: csv('x,y', ',1', ...numbers(9)), says: /^FILE:2: field 1 \(x\) is empty; / },
  { what: 'a row without a target', text: csv('x,y', ...numbers(9), '1,'), says: /^FILE:11: field 2 \(y\) is empty; / },
  { what: 'Infinity', text: csv('x,y', 'Infinity,1', ...numbers(9)), says: /is "Infinity", which is no number; / },
  { what: 'hexadecimal', text: csv('x,y', '0x10,1', ...numbers(9)), says: /is "0x10", which is no number; / },
  { what: 'a number beyond float32', text: csv('x,y', '1e39,1', ...numbers(9)), says: /is "1e39", .* of float32; / },
  {
    what: 'one class',
    text: csv('x,y', '1,a', '2,a'),
    says: /^FILE: the target "y" has 1 different value in 2 rows; a class needs 2/,
  },
  {
    what: 'too many classes',
    text: csv('x,y', ...numbers(1001, (i) => `1,${i}.5`)),
    says: /has 1001 different values in 1001 rows; .* kind: regression$/,
  },
  {
    what: 'few rows',
    text: csv('x,y', ...numbers(4, (i) => `${i},${i}`)),
    says: /^FILE: has 4 rows, which leave none for val; /,
  },
  {
    what: 'an unknown target',
    text: csv('x,z', '1,2'),
    says: /^FILE: has no column "y", which target names; it has: x, z$/,
  },
  {
    what: 'an unknown category',
    text: csv('x,y', '1,2'),
    meaning: { categorical: ['c'] },
    says: /no column "c", which categorical names/,
  },
  {
    what: 'an ignored target',
    text: csv('x,y', '1,2'),
    meaning: { ignore: ['y'] },
    says: /^FILE: ignore names "y", the target/,
  },
  {
    what: 'nothing left',
    text: csv('x,y', '1,2'),
    meaning: { ignore: ['x'] },
    says: /^FILE: leaves no column to learn from; /,
  },
];
for (const { what, text, meaning, says } of wrongTables) {
  test(`a table is refused that has ${what}`, () => {
    assert.match(
      refusal(() => tableExamples(readCsv('FILE', text), { ...simple, ...meaning })),
      says,
    );
  });
}

test('a table is refused that would not fit, before it is made', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `k${i},${i % 2}`);
  const table = readCsv('FILE', csv('x,y', ...rows));
  assert.match(
    refusal(() => tableExamples(table, { ...simple, categorical: ['x'] })),
    /^FILE: 20000 rows of 1400\d numbers are more than fit \(268435456\); .*ignore columns with many categories$/,
  );
});

const wrongLines: [string, string, RegExp][] = [
  ['nothing', '\n\n', /^FILE: is empty; /],
  ['no JSON', '{"x": 1, "y": 2}\n{"x": 1,', /^FILE:2: is no JSON \(.*\); mend the line$/],
  ['a list', '[1, 2]', /^FILE:1: holds \[1,2\]; give an object/],
  ['another key', '{"x": 1, "y": 2}\n\n{"x": 1, "y": 2, "z": 3}', /^FILE:3: has the key "z", which line 1 has not; /],
  ['a key less', '{"x": 1, "y": 2}\n{"x": 1}', /^FILE:2: field 2 \(y\) is missing; /],
  ['null', '{"x": null, "y": 2}', /^FILE:1: field 1 \(x\) is null; /],
  ['an object in a field', '{"x": {"a": 1}, "y": 2}', /^FILE:1: field 1 \(x\) is \{"a":1\}; /],
  ['one key', '{"x": 1}', /^FILE:1: has 1 keys; /],
];
for (const [what, text, says] of wrongLines) {
  test(`JSON Lines are refused that have ${what}`, () =>
    assert.match(
      refusal(() => readJsonLines('FILE', text)),
      says,
    ));
}

// IDX

function idx(shape: number[], values: ArrayLike<number>, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, type, shape.length]);
  for (const [i, n] of shape.entries()) header.writeUInt32BE(n, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(values)]);
}

for (const packed of [false, true]) {
  test(`IDX, ${packed ? 'packed by gzip' : 'plain'}: shape and values`, (context) => {
    const bytes = idx([2, 3, 1], [0, 1, 2, 253, 254, 255]);
    const path = written(context, 'images', packed ? gzipSync(bytes) : bytes);
    assert.deepEqual(idxShape(path, 'images'), [2, 3, 1]);
    const { shape, values } = readIdx(path, 'images', sha256Of(path));
    assert.deepEqual(
      [shape, [...values]],
      [
        [2, 3, 1],
        [0, 1, 2, 253, 254, 255],
      ],
    );
  });
}

/** Images that gzip can't make shorter: the header is in the first bytes, the values far beyond. */
const noise = () =>
  idx(
    [60, 28, 28],
    Uint8Array.from({ length: 60 * 28 * 28 }, (_, i) => Number(`0x${sha(`${i}`).slice(0, 2)}`)),
  );
/** Packed, with another checksum at the end than the values have. */
function damaged(bytes: Buffer): Buffer {
  const packed = gzipSync(bytes);
  packed[packed.length - 8] = 255 - (packed.at(-8) ?? 0);
  return packed;
}

test('the shape of a packed file is known from its beginning', (context) => {
  const path = written(context, 'images.gz', gzipSync(noise()).subarray(0, 5000));
  assert.deepEqual(idxShape(path, 'images'), [60, 28, 28]);
  assert.match(
    refusal(() => readIdx(path, 'images'), path),
    /^FILE: its gzip data ends too early, after byte 5000; /,
  );
});

const images = idx([2, 1, 2], [1, 2, 3, 4]);
const wrongIdx: [string, Buffer, RegExp][] = [
  ['is empty', Buffer.alloc(0), /^FILE: byte 0: begins with nothing, no IDX file; /],
  [
    'is text',
    Buffer.from('label,pixel'),
    /^FILE: byte 0: begins with 6c616265, no IDX file; images begin with 00000803/,
  ],
  ['holds floats', idx([2, 1, 2], [1, 2, 3, 4], 13), /^FILE: byte 2: values are of type 0d; /],
  [
    'is one of labels',
    idx([4], [1, 2, 3, 4]),
    /^FILE: byte 3: has 1 dimensions, images have 3; is it the file of labels\?$/,
  ],
  ['ends in its header', images.subarray(0, 14), /^FILE: ends after byte 14, within its header; /],
  [
    'ends too early',
    images.subarray(0, 18),
    /^FILE: ends after byte 18 of the 20 that its header announces \(2 x 1 x 2 values\); /,
  ],
  ['goes on', Buffer.concat([images, Buffer.of(0)]), /^FILE: has 21 bytes and not the 20 that its header announces/],
  ['has no image', idx([0, 1, 2], []), /^FILE: byte 4: announces 0 x 1 x 2 values; it takes 1 to \d+/],
  [
    'announces more than memory holds',
    idx([2 ** 32 - 1, 2 ** 20, 2 ** 20], []),
    /^FILE: byte 4: announces 4294967295 x 1048576 x/,
  ],
  [
    'is packed and goes on',
    gzipSync(Buffer.concat([images, Buffer.of(0)])),
    /^FILE: goes on after byte 20 \(unpacked\)/,
  ],
  ['is packed and ends too early', gzipSync(images.subarray(0, 18)), /^FILE: ends after byte 18 of the 20/],
  ['is damaged', damaged(images), /^FILE: its gzip data is damaged \(Z_/],
];
for (const [what, bytes, says] of wrongIdx) {
  test(`an IDX file is refused that ${what}`, (context) => {
    const path = written(context, 'images', bytes);
    assert.match(
      refusal(() => readIdx(path, 'images'), path),
      says,
    );
  });
}

const filesOf = (imagesPath: string, labelsPath: string): ImageFiles => ({
  images: imagesPath,
  images_sha256: sha256Of(imagesPath),
  labels: labelsPath,
  labels_sha256: sha256Of(labelsPath),
});
const bars = () => filesOf(dataFile('bars-images-idx3-ubyte.gz'), dataFile('bars-labels-idx1-ubyte'));

test('labelled images are split, scaled by the training images, and thinned', () => {
  const { shape, load } = labelledImages(bars(), undefined, 1);
  assert.deepEqual(shape, { input: [4, 3, 1], output: 3 });
  const sets = load();
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [42, 9, 9],
  );
  const { mean, deviation } = momentsOf([...sets.train.x]);
  assertNear(mean, 0, 1e-6);
  assertNear(deviation, 1, 1e-6);
  for (const split of splits) {
    for (let image = 0; image < sets[split].size; image++) {
      // The brightest row is what the label says: 2, 5 and 9 are the classes 0, 1 and 2.
      const rowSums = [0, 1, 2, 3].map((row) =>
        sets[split].x.subarray(12 * image + 3 * row, 12 * image + 3 * row + 3).reduce((sum, pixel) => sum + pixel, 0),
      );
      const kind = rowSums.indexOf(Math.max(...rowSums));
      assert.deepEqual(
        [...sets[split].y.subarray(3 * image, 3 * image + 3)],
        [0, 1, 2].map((k) => Number(k === kind)),
      );
    }
  }
  const half = labelledImages(bars(), undefined, 2);
  assert.deepEqual(half.shape, { input: [2, 2, 1], output: 3 });
  const [x, small] = [sets.train.x, half.load().train.x];
  assert.deepEqual(
    [...small.subarray(0, 8)],
    [0, 2, 6, 8, 12, 14, 18, 20].map((i) => x[i]),
  );
});

test('files for testing are for nothing else', (context) => {
  const few = filesOf(
    written(
      context,
      'images',
      idx(
        [4, 4, 3],
        Array.from({ length: 48 }, (_, i) => 5 * i),
      ),
    ),
    written(context, 'labels', idx([4], [9, 2, 9, 5])),
  );
  const { load } = labelledImages(bars(), few, 1);
  const sets = load();
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [51, 9, 4],
  );
  assert.deepEqual([...sets.test.y], [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0]);
  assertNear(momentsOf([...sets.train.x]).mean, 0, 1e-6);
  assert.deepEqual(
    [...sets.test.x],
    [...sets.test.x].sort((a, b) => a - b),
    'in their own order',
  );
});

test('files of images and labels are refused that do not belong together', (context) => {
  const labels = written(context, 'labels', idx([2], [2, 5]));
  const own = bars();
  const path = (files: ImageFiles) => refusal(() => labelledImages(files, undefined, 1), labels);
  assert.match(path(filesOf(own.images, labels)), /^FILE: has 2 labels, .* has 60 images; give two files that belong/);
  const two = written(context, 'two', idx([2, 4, 3], new Uint8Array(24)));
  assert.match(path(filesOf(two, labels)), /: has 2 images, which leave none for val; give at least 5/);
  const odd = written(context, 'odd', idx([2], [2, 7]));
  const unknown = refusal(() => labelledImages(own, filesOf(two, odd), 1), odd);
  assert.match(unknown, /^FILE: byte 9: label 7 is not among those of .* \(2, 5, 9\); /);
  const wide = written(context, 'wide', idx([2, 3, 4], new Uint8Array(24)));
  assert.match(
    refusal(() => labelledImages(own, filesOf(wide, labels), 1), wide),
    /^FILE: has images of 3 x 4, .* of 4 x 3/,
  );
  const one = written(context, 'one', idx([2], [3, 3]));
  assert.match(
    refusal(() => labelledImages(filesOf(two, one), undefined, 1), one),
    /^FILE: has no label but 3; /,
  );
});

// Files

test('a file is refused that is missing, a folder, changed or not UTF-8', (context) => {
  const folder = temporaryFolder(context);
  assert.match(
    refusal(() => sha256Of(join(folder, 'none')), folder),
    /^FILE\/none: can't be read \(ENOENT\); /,
  );
  assert.match(
    refusal(() => readBytes(folder), folder),
    /^FILE: can't be read \(EISDIR\); /,
  );
  const path = join(folder, 'text');
  writeFileSync(path, 'changed');
  assert.match(
    refusal(() => readBytes(path, sha('first')), path),
    /^FILE: its sha256 is [0-9a-f]{64}, not [0-9a-f]{64}; /,
  );
  writeFileSync(path, Buffer.from('one\ntw\u00e4\nthr\u00e9e\n', 'latin1'));
  assert.match(
    refusal(() => readUtf8(path), path),
    /^FILE:2: is not UTF-8; save it as UTF-8$/,
  );
  assert.match(
    refusal(() => readBytes(path, undefined, 3), path),
    /^FILE: holds 14 bytes; up to 3 can be read: /,
  );
});

test('a sha256 is of what the file holds now, and a byte order mark is no character', (context) => {
  const path = written(context, 'text', '\uFEFFfirst');
  assert.equal(sha256Of(path), sha('\uFEFFfirst'));
  assert.equal(readUtf8(path), 'first');
  writeFileSync(path, 'another one');
  assert.equal(sha256Of(path), sha('another one'));
});

// In a matrix

const matrix = (task: string) => `question: Mine?
seeds: 1
steps: 2
task: ${task}
model: {name: mlp, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: none
`;
const cellsOf = (folder: string, task: string): Cell[] => [
  ...parseExperiment(matrix(task), join(folder, 'experiment.yaml')).cells.values(),
];
const plantsTask = (path: string, more = '') =>
  `{name: csv_file, path: ${path}, target: kind, categorical: [[colour]], ignore: [[number]]${more}}`;

test('a cell has the sha256 of its files, found from the experiment file, and its id depends on that alone', (context) => {
  const [one, other] = [temporaryFolder(context), temporaryFolder(context)];
  copyFileSync(dataFile('plants.csv'), join(one, 'mine.csv'));
  copyFileSync(dataFile('plants.csv'), join(other, 'moved.csv'));
  const hash = sha(readFileSync(dataFile('plants.csv')));
  const [cell] = cellsOf(one, plantsTask('mine.csv'));
  assert.ok(cell);
  assert.deepEqual(cell.task.options, {
    path: join(one, 'mine.csv'),
    path_sha256: hash,
    target: 'kind',
    kind: 'classification',
    categorical: ['colour'],
    ignore: ['number'],
  });
  const ids = (folder: string, task: string) => [
    ...parseExperiment(matrix(task), join(folder, 'experiment.yaml')).cells.keys(),
  ];
  const [id = ''] = ids(one, plantsTask('mine.csv'));
  assert.deepEqual([cellId(cell), idOf(cellText(cell))], [id, id], 'the id of a cell and of its stored text');
  assert.deepEqual(ids(other, plantsTask('moved.csv')), [id], 'a file that was moved');
  assert.deepEqual(ids(other, plantsTask('moved.csv', `, path_sha256: ${hash}`)), [id], 'a sha256 that was written');
  writeFileSync(join(one, 'mine.csv'), `${readFileSync(dataFile('plants.csv'), 'utf8')}60,1,1,1,white,1\n`);
  assert.notDeepEqual(ids(one, plantsTask('mine.csv')), [id], 'a file that was changed');
  renameSync(join(one, 'mine.csv'), join(one, 'gone.csv'));
  assert.equal(idOf(cellText(cell)), id, 'the id of a stored text needs no file');
});

test('a path in the working folder is stored as seen from there', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  assert.equal(join(process.cwd(), '/'), root);
  const pathOf = (folder: string, path: string) => cellsOf(folder, plantsTask(path))[0]?.task.options.path;
  assert.equal(pathOf(join(root, 'experiments'), '../test/data/plants.csv'), join('test', 'data', 'plants.csv'));
  assert.equal(pathOf(join(root, 'experiments'), dataFile('plants.csv')), join('test', 'data', 'plants.csv'));
});

test('what is wrong with a file is said at its task, before anything runs', (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'mine.csv'), 'a,b\n1,x\n2\n');
  const said = (task: string) => refusal(() => cellsOf(folder, task), folder);
  assert.match(said(plantsTask('mine.csv')), /^FILE\/experiment\.yaml:4:7: FILE\/mine\.csv:3: has 1 fields where/);
  assert.match(said(plantsTask('none.csv')), /^FILE\/experiment\.yaml:4:7: FILE\/none\.csv: can't be read \(ENOENT\)/);
  const pinned = plantsTask('mine.csv', `, path_sha256: "${'0'.repeat(64)}"`);
  assert.match(said(pinned), /mine\.csv: its sha256 is [0-9a-f]{64}, not 0{64} as path_sha256 says; /);
  assert.match(said('{name: csv_file, path: mine.csv}'), /task "csv_file" needs target: the column to be learned$/);
  const [own, labels] = [dataFile('bars-images-idx3-ubyte.gz'), dataFile('bars-labels-idx1-ubyte')];
  assert.match(
    said(`{name: idx_file, images: ${own}, labels: ${labels}, test_images: ${own}}`),
    /: idx_file has test_images and no test_labels; name both or neither$/,
  );
});

test('a file that was changed after it was looked at is refused, and not learned from', (context) => {
  const path = written(context, 'mine.csv', 'x,y\n1,2\n');
  const part = find(parts.tasks, 'csv_file');
  const task = { path, path_sha256: sha('what it was'), target: 'y' };
  assert.match(
    refusal(() => build(part, { name: 'csv_file', options: optionsOf(part, task) }), path),
    /^FILE: its sha256 is/,
  );
});

test('pixels of images are not read to plan', (context) => {
  const path = written(context, 'images.gz', damaged(noise()));
  const part = find(parts.tasks, 'idx_file');
  const options = optionsOf(part, { images: path, labels: dataFile('bars-labels-idx1-ubyte') });
  const task: Task = build(part, { name: 'idx_file', options });
  assert.deepEqual(task.shape.input, [28, 28, 1]);
  const val: Split = 'val';
  const never = { uniform: () => 0, normal: () => 0, permutation: () => new Uint32Array() };
  assert.match(
    refusal(() => task.split(val, never), path),
    /^FILE: its gzip data is damaged \(Z_DATA_ERROR\)/,
  );
});

test("a run on a file of one's own is verified, and is done already where the file was moved", async (context) => {
  const folder = temporaryFolder(context);
  copyFileSync(dataFile('plants.csv'), join(folder, 'mine.csv'));
  const out = join(folder, 'out');
  const run = (path: string) => clipbench(['run', experimentFile(folder, matrix(plantsTask(path))), '--out', out]);
  const first = await run('mine.csv');
  assert.equal(first.code, 0, first.stderr);
  const hashes = resultHashes(out);
  const verified = await clipbench(['verify', out, '--sample', 'all']);
  assert.equal(verified.code, 0, verified.stderr);
  renameSync(join(folder, 'mine.csv'), join(folder, 'moved.csv'));
  const again = await run('moved.csv');
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout + again.stderr, /0 cells to run|1 done already|nothing to/);
  assert.deepEqual(resultHashes(out), hashes);
  assert.match(readFileSync(join(out, 'runs.csv'), 'utf8'), new RegExp(sha(readFileSync(dataFile('plants.csv')))));
  assert.equal(readFileSync(join(out, 'runs.csv'), 'utf8').includes(folder), false, 'a path is no part of a result');
});
