import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { delimiters, readCsv } from '../src/data/csv.ts';
import { partition } from '../src/data/partition.ts';
import { type Meaning, tableExamples } from '../src/data/table.ts';
import type { Batch } from '../src/types.ts';
import { dataFile } from './support/choices.ts';
import { assertNear } from './support/host.ts';
import { momentsOf, refusal, splits } from './support/loading.ts';

const plants: Meaning = { target: 'kind', kind: 'classification', categorical: ['colour'], ignore: ['number'] };
const plantsTable = () => readCsv('plants.csv', readFileSync(dataFile('plants.csv'), 'utf8'));
const columnOf = ({ x, size }: Batch, width: number, column: number) =>
  Array.from({ length: size }, (_, row) => x[row * width + column] ?? Number.NaN);

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
  {
    what: 'semicolons',
    text: 'x;y\n1;2',
    says: /^FILE:1: column 1 is the only one, named "x;y"; set delimiter: semicolon, .* \(now comma\)$/,
  },
  { what: 'a ragged row', text: csv('x,y', '1,2', '1', '3,4'), says: /^FILE:3: has 1 fields where the header has 2; / },
  { what: 'a long row', text: csv('x,y', '1,2,3'), says: /^FILE:2: has 3 fields where the header has 2; / },
  { what: 'an open quote', text: csv('x,y', '1,2', '"3,4'), says: /^FILE:\d: Quote Not Closed.*; mend the quotes$/ },
  {
    what: 'a word',
    text: csv('x,y', ...numbers(9), 'N/A,1'),
    says: /^FILE:11: field 1 \(x\) is "N\/A", a missing value; fill it in \(or rename what is called so\), remove the row, or, where it is no target, name the column in ignore$/,
  },
  { what: 'NaN', text: csv('x,y', 'NaN,1', ...numbers(9)), says: /^FILE:2: field 1 \(x\) is "NaN", a missing value; / },
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

for (const [name, sign] of Object.entries(delimiters)) {
  const delimiter = z.enum(['comma', 'tab', 'semicolon', 'pipe']).parse(name);

  test(`values between ${name}s: empty ones stay, and quotes hold the delimiter`, () => {
    const text = [`x${sign} y${sign}z`, `1${sign}${sign}3`, `"a${sign}b"${sign}${sign}`].join('\n');
    const { columns, rows } = readCsv('x.csv', text, delimiter);
    assert.deepEqual(columns, ['x', 'y', 'z']);
    assert.deepEqual(
      rows.map(({ values }) => values),
      [
        ['1', '', '3'],
        [`a${sign}b`, '', ''],
      ],
    );
  });

  test(`a file with ${name}s is refused where another delimiter is asked for, and the message says which to set`, () => {
    for (const [asked, other] of Object.entries(delimiters)) {
      if (asked === name) continue;
      const text = [`x${sign}y${sign}z`, `1${sign}2${sign}3`].join('\n');
      assert.match(
        refusal(() => readCsv('FILE', text, z.enum(['comma', 'tab', 'semicolon', 'pipe']).parse(asked))),
        new RegExp(`^FILE:1: column 1 is the only one, named .*; set delimiter: ${name}, .* \\(now ${asked}\\)$`),
        other,
      );
    }
  });
}

test('a file with one column is refused in words that name the delimiter', () =>
  assert.match(
    refusal(() => readCsv('FILE', 'x\n1', 'tab')),
    /^FILE:1: column 1 is the only one, named "x"; a task needs a target and something to learn from, separated by tabs$/,
  ));

const missing = ['NA', 'na', 'N/A', 'n/a', 'null', 'NULL', '?', 'nan', 'NaN', 'NAN'];
test('missing values are refused in numbers and classes, however they are written; NA may be a kind of its own', () => {
  const rows = Array.from({ length: 20 }, (_, i) => `${i},k${i % 2},c${i % 3}`);
  const read = (row: string, meaning: Partial<Meaning>) => () =>
    tableExamples(readCsv('FILE', csv('n,k,c', ...rows, row)), {
      ...simple,
      categorical: ['k'],
      target: 'c',
      ...meaning,
    });
  for (const text of missing) {
    const said = `"${text.replace('?', '\\?')}", a missing value; fill it in \\(or rename what is called so\\), remove the row, or, where it is no target, name the column in ignore$`;
    assert.match(refusal(read(`${text},k1,c1`, {})), new RegExp(`^FILE:22: field 1 \\(n\\) is ${said}`));
    assert.match(refusal(read(`1,k1,${text}`, {})), new RegExp(`^FILE:22: field 3 \\(c\\) is ${said}`));
    const numbers: Partial<Meaning> = { target: 'n', kind: 'regression', categorical: ['k', 'c'] };
    assert.match(refusal(read(`${text},k1,c1`, numbers)), new RegExp(`^FILE:22: field 1 \\(n\\) is ${said}`));
    const kind = refusal(read(`1,${text},c1`, {}));
    if (text === 'NA') assert.equal(kind, 'nothing was refused');
    else assert.match(kind, new RegExp(`^FILE:22: field 2 \\(k\\) is ${said}`));
  }
  assert.match(refusal(read('1,NaN,c1', {})), /^FILE:22: field 2 \(k\) is "NaN", a missing value; /);
  assert.equal(refusal(read('1,k1,nap', {})), 'nothing was refused');
});

test('a table is refused that would not fit, before it is made', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `k${i},${i % 2}`);
  const table = readCsv('FILE', csv('x,y', ...rows));
  assert.match(
    refusal(() => tableExamples(table, { ...simple, categorical: ['x'] })),
    /^FILE: 20000 rows of 1400\d numbers are more than fit \(268435456\); .*ignore columns with many categories$/,
  );
});
