import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readBytes, readUtf8, sha256Of } from '../src/data/user_file.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { cellId, cellText, idOf } from '../src/matrix/identity.ts';
import { build, find, parts } from '../src/parts.ts';
import type { Cell } from '../src/types.ts';
import { dataFile, optionsOf } from './support/choices.ts';
import { clipbench, experimentFile, resultHashes, temporaryFolder } from './support/clipbench.ts';
import { never, refusal, sha, written } from './support/loading.ts';

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
    delimiter: 'comma',
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

test('the same table with tabs has the same examples, once its delimiter is said', (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'mine.tsv'), readFileSync(dataFile('plants.csv'), 'utf8').replaceAll(',', '\t'));
  assert.match(
    refusal(() => cellsOf(folder, plantsTask('mine.tsv')), folder),
    /^FILE\/experiment\.yaml:4:7: FILE\/mine\.tsv:1: column 1 is the only one, .*; set delimiter: tab, /,
  );
  const tasks = [plantsTask('mine.tsv', ', delimiter: tab'), plantsTask(dataFile('plants.csv'))].map((task) => {
    const [cell] = cellsOf(folder, task);
    return cell === undefined ? undefined : build(find(parts.tasks, 'csv_file'), cell.task);
  });
  for (const split of ['train', 'val', 'test'] as const) {
    const [tabs, commas] = tasks.map((task) => task?.split(split, never));
    assert.ok(tabs !== undefined && tabs.size > 0);
    assert.deepEqual(tabs, commas);
  }
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
