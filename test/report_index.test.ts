import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeIndex, writeReport } from '../src/report/index.ts';
import { clipbench } from './support/clipbench.ts';
import { seen } from './support/page.ts';
import { synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

const root = await mkdtemp(join(tmpdir(), 'clipbench-index-'));
after(() => rm(root, { recursive: true }));

const hostile = `<script>alert("x")</script> | 'q' & "r" </style>`;
const small: Wanted = { models: [{ name: 'rnn', options: {} }], rates: [0.05], steps: 10 };
const shelf = join(root, 'shelf');
await writeReport(await writeSynthetic(join(shelf, 'b told'), synthetic(small)));
await writeSynthetic(join(shelf, 'group', 'a'), synthetic({ ...small, question: hostile }));
await writeSynthetic(join(shelf, `o'clock`), synthetic({ smoke: true }));
await writeSynthetic(join(shelf, 'altered'), synthetic(small));
await writeFile(join(shelf, 'altered', 'runs.csv'), 'x\n');
for (const [name, text] of [
  ['broken', '{'],
  ['other', '{"name": "an app"}'],
] as const) {
  await mkdir(join(shelf, name));
  await writeFile(join(shelf, name, 'manifest.json'), text);
}
await mkdir(join(shelf, 'peers'));
await symlink(shelf, join(shelf, 'round'));

const pageOf = async (folder: string): Promise<string> => readFile((await writeIndex(folder)).path, 'utf8');
const page = await pageOf(shelf);
const rows = [...page.matchAll(/<tr><th scope="row">.*?<\/tr>/gs)].map(([row]) => row);
const rowOf = (name: string): string => rows.find((row) => seen(row).trim().startsWith(name)) ?? '';

test('result sets are listed by name, those in deeper folders too, and nothing else', () => {
  const names = ['altered', 'b told', 'broken', 'group/a', `o'clock`, 'other'];
  assert.equal(rows.length, names.length);
  for (const [index, name] of names.entries())
    assert.ok(
      seen(rows[index] ?? '')
        .trim()
        .startsWith(name),
      name,
    );
});

test('a result set has its question, how the answer begins, its counts, date and machine', () => {
  const text = seen(rowOf('b told'));
  assert.match(text, /Does norm clipping let a vanilla RNN/);
  assert.match(text, /No verdict is possible on validation accuracy after the last step, against none/);
  assert.match(text, / 60 \/ 0 \/ 0 2025-01-02 03:14 native · compiled · x64 avx2 0f1e2d3c/);
  assert.match(seen(rowOf(`o'clock`)), /This was a smoke test of 3 steps: its figures mean nothing/);
});

test('a report is linked; where there is none, the command that writes it is named as a shell reads it', () => {
  assert.ok(rowOf('b told').includes('<a href="./b%20told/report.html">'));
  assert.ok(!rowOf('group/a').includes('<a '));
  assert.ok(seen(rowOf('group/a')).includes(`no report yet: clipbench report ${join(shelf, 'group', 'a')} `));
  assert.ok(seen(rowOf(`o'clock`)).includes(String.raw`o'\''clock'`));
});

test('altered results, damaged manifests and those of other tools are listed with the reason', () => {
  assert.match(seen(rowOf('altered')), /Can't be read: .*runs\.csv: altered since it was collected/);
  assert.match(seen(rowOf('broken')), /Can't be read: .*manifest\.json: not a manifest of this version/);
  assert.match(seen(rowOf('other')), /Can't be read: .*manifest\.json: not a manifest of this version/);
  assert.match(seen(page), /6 result sets, by name; 3 of them can't be read/);
});

test('the index loads nothing, runs no script, and shows markup as text', () => {
  assert.ok(page.includes(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`));
  assert.ok(!/<script/i.test(page));
  assert.ok(!/(?:src|href)="(?!\.\/|data:)/.test(page));
  assert.ok(seen(rowOf('group/a')).includes(hostile));
});

test('the same folders give the same bytes', async () => {
  assert.equal(await pageOf(shelf), page);
});

test('a folder without results gives a page that says so', async () => {
  const empty = join(root, 'empty');
  await mkdir(empty);
  assert.match(seen(await pageOf(empty)), /No folder below this one holds a manifest\.json/);
});

test('the command line writes the index, and refuses a result set, no folder, and other formats', async () => {
  const { code, stdout } = await clipbench(['report', '--index', shelf]);
  assert.equal(code, 0);
  assert.match(stdout, /^wrote .*index\.html \(6 result sets\)\n$/);
  for (const words of [
    [join(shelf, 'altered')],
    [join(root, 'missing')],
    [shelf, '--format', 'md'],
    [shelf, '--figures'],
  ]) {
    const ended = await clipbench(['report', '--index', ...words]);
    assert.equal(ended.code, 2, ended.stderr);
    assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
  }
});
