import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCsv } from '../src/data/csv.ts';
import { readJsonLines } from '../src/data/json_lines.ts';
import { dataFile } from './support/choices.ts';
import { refusal } from './support/loading.ts';

test('JSON Lines hold the same table', () => {
  const { columns, rows } = readJsonLines('plants.jsonl', readFileSync(dataFile('plants.jsonl'), 'utf8'));
  const meant = (text: string | undefined) => (Number.isNaN(Number(text)) ? text : Number(text));
  const table = readCsv('plants.csv', readFileSync(dataFile('plants.csv'), 'utf8'));
  assert.deepEqual(columns, table.columns);
  assert.deepEqual(
    rows.map(({ values }) => values.map(meant)),
    table.rows.map(({ values }) => values.map(meant)),
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
  ['a key twice', '{"x": 1, "x": 2, "y": "a"}', /^FILE:1: has the key "x" twice; remove one$/],
  [
    'a long number',
    '{"x": 12345678901234567890, "y": 2}',
    /^FILE:1: 12345678901234567890 is more than a number can hold/,
  ],
  ['a number beyond doubles', '{"x": -1e400, "y": "e400"}', /^FILE:1: -1e400 is more than a number can hold/],
  [
    'a number and a text in one column',
    '{"x": 1, "y": 1}\n{"x": 1, "y": "1"}',
    /^FILE:2: field 2 \(y\) is "1", and 1 on line 1; give numbers, texts, or true and false on all lines$/,
  ],
  ['one key', '{"x": 1}', /^FILE:1: has 1 keys; /],
];
test('texts with braces, quotes and digits are no keys or numbers', () => {
  const { rows } = readJsonLines(
    'FILE',
    String.raw`{"x": "\"x\": 12345678901234567890", "y": 1e3, "z": 0.1, "w": 9007199254740991}`,
  );
  assert.deepEqual(rows[0]?.values, ['"x": 12345678901234567890', '1000', '0.1', '9007199254740991']);
});

for (const [what, text, says] of wrongLines) {
  test(`JSON Lines are refused that have ${what}`, () =>
    assert.match(
      refusal(() => readJsonLines('FILE', text)),
      says,
    ));
}
