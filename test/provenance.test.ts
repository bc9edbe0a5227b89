import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { codeSchema, manifestSchema } from '../src/manifest.ts';
import { codeFacts, machineFacts, versionFacts } from '../src/run/provenance.ts';
import { temporaryFolder } from './support/clipbench.ts';

/** A package as small as one can be. */
function packageFolder(context: TestContext): string {
  const root = temporaryFolder(context);
  write(root, 'src/index.ts', 'export const one = 1;\n');
  write(root, 'src/engine/graph.ts', 'export const two = 2;\n');
  write(root, 'src/matrix/schema.json', '{}\n');
  write(root, 'package-lock.json', '{"lockfileVersion": 3}\n');
  write(root, 'README.md', '# a package\n');
  write(root, '.gitignore', 'node_modules/\n*.log\n');
  return root;
}

function write(root: string, file: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

function git(root: string, ...words: string[]): string {
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...who, ...words], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** The package as a fresh checkout. */
function checkout(context: TestContext): string {
  const root = packageFolder(context);
  git(root, 'init', '--quiet');
  git(root, 'add', '.');
  git(root, 'commit', '--quiet', '--message', 'first');
  return root;
}

const dirtyOf = (root: string): string | undefined => codeFacts(root).dirty;

test('source is the same for the same code, wherever it lies and whenever it was written', (context) => {
  const [one, two] = [packageFolder(context), packageFolder(context)];
  rmSync(join(two, 'src/index.ts'));
  write(two, 'src/index.ts', 'export const one = 1;\n');
  assert.match(codeFacts(one).source, /^[0-9a-f]{16}$/);
  assert.equal(codeFacts(one).source, codeFacts(two).source);
});

test('source changes with a content, a name, a folder, a file more or less', (context) => {
  const changes: ((root: string) => void)[] = [
    (root) => write(root, 'src/index.ts', 'export const one = 2;\n'),
    (root) => write(root, 'src/matrix/schema.json', '{"a": 1}\n'),
    (root) => renameSync(join(root, 'src/index.ts'), join(root, 'src/main.ts')),
    (root) => renameSync(join(root, 'src/engine/graph.ts'), join(root, 'src/graph.ts')),
    (root) => write(root, 'src/empty.ts', ''),
    (root) => rmSync(join(root, 'src/engine'), { recursive: true }),
  ];
  const sources = changes.map((change) => {
    const root = packageFolder(context);
    change(root);
    return codeFacts(root).source;
  });
  const all = [codeFacts(packageFolder(context)).source, ...sources];
  assert.equal(new Set(all).size, all.length, all.join());
});

test('source leaves out what is no code: notes, editor files, what lies outside src/', (context) => {
  const root = packageFolder(context);
  const { source } = codeFacts(root);
  write(root, 'src/README.md', 'notes');
  write(root, 'src/.DS_Store', 'x');
  write(root, 'src/.index.ts.swp', 'x');
  write(root, 'src/.cache/index.ts', 'x');
  symlinkSync('nobody@nowhere', join(root, 'src/.#index.ts'));
  write(root, 'test/index.test.ts', 'x');
  assert.equal(codeFacts(root).source, source);
});

test('the lockfile is hashed, and its absence is an empty hash', (context) => {
  const root = packageFolder(context);
  const expected = createHash('sha256').update('{"lockfileVersion": 3}\n').digest('hex');
  assert.equal(codeFacts(root).lockfile_sha256, expected);
  rmSync(join(root, 'package-lock.json'));
  assert.equal(codeFacts(root).lockfile_sha256, '');
});

test('without a checkout, or before its first commit, there is no commit and nothing is dirty', (context) => {
  const root = packageFolder(context);
  const keys = ['source', 'lockfile_sha256'];
  assert.deepEqual(Object.keys(codeFacts(root)), keys);
  git(root, 'init', '--quiet');
  assert.deepEqual(Object.keys(codeFacts(root)), keys);
});

test('a clean checkout has its commit and nothing dirty', (context) => {
  const root = checkout(context);
  const facts = codeFacts(root);
  assert.equal(facts.commit, git(root, 'rev-parse', 'HEAD').trim());
  assert.ok(!('dirty' in facts), facts.dirty);
  // Only the time of a file differs: its content is the same.
  utimesSync(join(root, 'src/index.ts'), 1, 1);
  assert.equal(dirtyOf(root), undefined);
});

test('dirty names the state: equal for equal changes, another for others, gone when they are undone', (context) => {
  const root = checkout(context);
  write(root, 'src/index.ts', 'export const one = 2;\n');
  const changed = dirtyOf(root);
  assert.match(changed ?? '', /^[0-9a-f]{64}$/);
  git(root, 'add', '.');
  assert.equal(dirtyOf(root), changed, 'staged or not, it is the same code');
  write(root, 'src/index.ts', 'export const one = 3;\n');
  assert.notEqual(dirtyOf(root), changed);
  git(root, 'reset', '--quiet', '--hard');
  assert.equal(dirtyOf(root), undefined);
});

test('new, deleted, renamed, linked, binary and oddly named files are dirty, each in its own way', (context) => {
  const changes: ((root: string) => void)[] = [
    (root) => write(root, 'src/new.ts', 'new'),
    (root) => write(root, 'src/new.ts', 'other'),
    (root) => write(root, 'new/folder/new.ts', 'new'),
    (root) => write(root, 'a name with "quotes", ümlauts and\na line.txt', 'new'),
    (root) => write(root, 'binary', Buffer.from([0, 255, 0, 1])),
    (root) => write(root, 'large', Buffer.alloc(3_000_000, 1)),
    (root) => write(root, 'large', Buffer.concat([Buffer.alloc(2_999_999, 1), Buffer.from([2])])),
    (root) => rmSync(join(root, 'README.md')),
    (root) => git(root, 'rm', '--quiet', 'src/index.ts'),
    (root) => git(root, 'mv', 'src/index.ts', 'src/main.ts'),
    (root) => symlinkSync('nowhere', join(root, 'link')),
    (root) => symlinkSync('elsewhere', join(root, 'link')),
  ];
  const found = changes.map((change) => {
    const root = checkout(context);
    change(root);
    return dirtyOf(root);
  });
  assert.ok(!found.includes(undefined), `change number ${found.indexOf(undefined)} was not seen`);
  assert.equal(new Set(found).size, found.length, found.join());
});

test('ignored files and results are not dirty, whether new, changed or deleted', (context) => {
  const root = packageFolder(context);
  for (const file of ['runs.csv', 'manifest.json']) write(root, `results/reference/${file}`, 'a\n');
  git(root, 'init', '--quiet');
  git(root, 'add', '.');
  git(root, 'commit', '--quiet', '--message', 'first');
  write(root, 'results/reference/runs.csv', 'b\n');
  rmSync(join(root, 'results/reference/manifest.json'));
  write(root, 'results/new/runs.csv', 'c\n');
  write(root, 'node_modules/part/index.ts', 'x');
  write(root, 'some.log', 'x');
  assert.equal(dirtyOf(root), undefined);
  write(root, 'experiments/results/new.yaml', 'x');
  assert.notEqual(dirtyOf(root), undefined, 'only the folder at the top is for results');
});

test('a package inside a checkout of something else has no commit', (context) => {
  const root = checkout(context);
  write(root, 'packages/inner/src/index.ts', 'x');
  assert.deepEqual(Object.keys(codeFacts(join(root, 'packages/inner'))), ['source', 'lockfile_sha256']);
});

test('without git, code facts are those of the files', (context) => {
  const root = checkout(context);
  const { source } = codeFacts(root);
  const path = process.env.PATH;
  context.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = join(root, 'nothing');
  assert.deepEqual(Object.keys(codeFacts(root)), ['source', 'lockfile_sha256']);
  assert.equal(codeFacts(root).source, source);
});

test('inside a hook of another repository, where GIT_DIR points there, the commit is still that of the package', (context) => {
  const [root, other] = [checkout(context), checkout(context)];
  write(other, 'more.txt', 'x');
  const { commit } = codeFacts(root);
  git(other, 'add', '.');
  git(other, 'commit', '--quiet', '--message', 'second');
  context.after(() => {
    delete process.env.GIT_DIR;
    delete process.env.GIT_INDEX_FILE;
  });
  process.env.GIT_DIR = join(other, '.git');
  process.env.GIT_INDEX_FILE = join(other, '.git', 'index');
  assert.deepEqual([codeFacts(root).commit, dirtyOf(root)], [commit, undefined]);
});

test('facts fit the manifest, and the code here is found', () => {
  const code = codeSchema.parse(codeFacts());
  assert.match(code.source, /^[0-9a-f]{16}$/);
  assert.match(code.lockfile_sha256, /^[0-9a-f]{64}$/);
  const machine = manifestSchema.shape.machine.parse(machineFacts());
  assert.deepEqual(Object.keys(machine), ['host', 'os', 'processor', 'cores', 'memory_gb', 'vector']);
  assert.ok(Number(machine.cores) >= 1 && Number(machine.memory_gb) > 0, JSON.stringify(machine));
});

test('versions are text: clipbench, node, v8, tfjs, and TensorFlow where it computes', () => {
  const plain = versionFacts({ backend: 'cpu', tfjs: '4.22.0' });
  assert.deepEqual(Object.keys(plain), ['clipbench', 'node', 'v8', 'tfjs']);
  const { clipbench, node, v8, tfjs } = plain;
  for (const version of [clipbench, node, v8, tfjs]) assert.match(version ?? '', /^\d+\.\d+\.\d+/);
  const native = versionFacts({ backend: 'native', tfjs: '4.22.0', tensorflow: '2.21.0' });
  assert.equal(native.tensorflow, '2.21.0');
});

test('doctor shows fingerprint, code, machine and versions, as a table and as JSON', async () => {
  const doctor = (...words: string[]) =>
    execFileSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'doctor', ...words], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, CLIPBENCH_BACKEND: 'cpu' },
      encoding: 'utf8',
    });
  const { machine, versions } = manifestSchema.shape;
  const shown = z
    .looseObject({ code: codeSchema, machine, versions, fingerprint_id: z.string(), backend: z.literal('cpu') })
    .parse(JSON.parse(doctor('--json')));
  const before = ['backend', 'engine', 'tfjs', 'math', 'fingerprint_id', 'reason', 'TF_NUM_INTRAOP_THREADS'];
  const since = ['TF_ENABLE_ONEDNN_OPTS', 'node', 'processor', 'cores', 'memory', 'code', 'machine', 'versions'];
  assert.deepEqual(Object.keys(shown).sort(), [...before, ...since].sort());
  const text = doctor();
  for (const word of ['fingerprint', 'code', 'machine', 'versions']) assert.match(text, new RegExp(`^${word}$`, 'm'));
  for (const fact of [shown.fingerprint_id, shown.code.lockfile_sha256, ...Object.values(shown.versions)])
    assert.ok(text.includes(fact), fact);
});
