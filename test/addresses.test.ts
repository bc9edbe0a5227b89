import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { isMeant, namesIn, textOf, valueAt } from '../src/addresses.ts';
import { runColumns } from '../src/columns.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { identityOf } from '../src/matrix/identity.ts';
import { parts } from '../src/parts.ts';
import { runText } from '../src/run/text.ts';
import type { Cell } from '../src/types.ts';
import { choice, digitsCell, strategy, trained } from './support/cells.ts';

await loadBackend();

const cells: Cell[] = [
  digitsCell({ strategy: [strategy('norm', { max_norm: 1 })], steps: 1, label_noise: 0.1, target: -0.5 }),
  digitsCell({
    steps: 1,
    strategy: [
      strategy('value', { clip_value: 1e-7 }),
      strategy('norm', { max_norm: 3e25 }),
      strategy('norm', { max_norm: 2 }),
    ],
    schedule: choice(parts.schedules, 'cosine', { floor: 0.1 }),
  }),
];

/** The line of runs.csv that a run of the cell leaves. */
const lineOf = (cell: Cell): Record<string, string> => {
  const lines: string[][] = parse(runText('0123456789abcdef', cell, trained(cell)).run);
  return Object.fromEntries(runColumns.map(({ name }, i) => [name, lines[0]?.[i] ?? '']));
};

test('a cell and its line of runs.csv have the same names, and the same under each', () => {
  for (const cell of cells) {
    const [asked, line] = [{ ...identityOf(cell), cell_id: '0123456789abcdef' }, lineOf(cell)];
    const names = namesIn([asked]);
    assert.deepEqual(namesIn([line]).sort(), names.toSorted());
    for (const name of names) {
      const [own, read] = [asked, line].map((run) => valueAt(run, name));
      if (own === undefined) assert.equal(read, undefined, name);
      else assert.equal(textOf(read), textOf(own), name);
    }
  }
});

test('every option and field has a name; those of a chain are told apart', () => {
  const [one = {}, chain = {}] = cells.map(identityOf);
  const values = (run: object, ...names: string[]) => names.map((name) => valueAt({ ...run }, name));
  assert.deepEqual(values(one, 'task', 'model.hidden', 'strategy.max_norm', 'threshold', 'label_noise', 'target'), [
    'mnist',
    [4],
    1,
    1,
    0.1,
    -0.5,
  ]);
  assert.deepEqual(
    values(one, 'schedule', 'schedule.floor', 'strategy.norm.max_norm', 'status', 'toString', 'task.', 'cell.l1'),
    ['constant', ...Array(6).fill(undefined)],
  );
  assert.deepEqual(
    values(
      chain,
      'strategy',
      'schedule',
      'schedule.floor',
      'strategy.clip_value',
      'strategy.max_norm',
      'strategy.norm.max_norm',
      'strategy.norm2.max_norm',
      'strategy.value.semantics',
    ),
    ['value-norm-norm', 'cosine', 0.1, 1e-7, undefined, 3e25, 2, 'safe'],
  );
});

test('values are the same where their canonical text is', () => {
  const run = { threshold: '1', task_options: '{"a":[1,"x"],"b":{"$number":"Infinity"},"c":true,"d":"0.5"}' };
  for (const entry of [
    { threshold: 1.0 },
    { threshold: '1' },
    { 'task.a': [1, 'x'] },
    { 'task.b': Number.POSITIVE_INFINITY },
    { 'task.c': true },
    { 'task.d': 0.5, threshold: 1 },
  ])
    assert.ok(isMeant(run, entry), JSON.stringify(entry));
  for (const entry of [
    { threshold: 2 },
    { 'task.a': [1] },
    { 'task.e': '' },
    { model: '' },
    { 'task.d': 0.5, threshold: 2 },
  ])
    assert.ok(!isMeant(run, entry), JSON.stringify(entry));
});
