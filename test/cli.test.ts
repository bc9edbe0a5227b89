import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { clipbench, experimentFile, temporaryFolder } from './support/clipbench.ts';

const tiny = `question: q
seeds: 1
steps: 2
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: none
`;

/** Exit code 2, nothing on standard output, and one line on standard error that matches. */
async function refuses(words: string[], expected: RegExp, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { code, stdout, stderr } = await clipbench(words, env);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, expected);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
}

test('bad input ends with one clear line and exit code 2', { concurrency: 2 }, async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, tiny);
  const regular = experimentFile(folder, 'not a folder', 'regular');
  const marked = experimentFile(folder, tiny, '<b>bold.yaml');
  const typo = experimentFile(folder, tiny.replace('strategy: none', 'strategy: nome'), 'typo.yaml');
  const binary = join(folder, 'binary.yaml');
  writeFileSync(binary, Buffer.from([0xff, 0xfe, 0x00, 0x80]));
  mkdirSync(join(folder, 'empty'));

  const cases: [string, string[], RegExp, NodeJS.ProcessEnv?][] = [
    [
      'a missing file',
      ['plan', join(folder, 'missing.yaml')],
      /missing\.yaml: can't be read \(ENOENT\); give the path/,
    ],
    ['a folder for a file', ['plan', folder], /can't be read \(EISDIR\)/],
    ['a file that is not text', ['plan', binary], /binary\.yaml: is not UTF-8 text/],
    ['an unknown strategy', ['plan', typo], /typo\.yaml:7:11: unknown strategy "nome"; did you mean "none"\?/],
    [
      'an unknown key in a filter',
      ['plan', file, '--filter', 'strategy=none', '--filter', 'modl=rnn'],
      /^--filter modl=rnn: unknown key "modl"; did you mean "model"\?/,
    ],
    [
      'a filter that nothing passes',
      ['plan', file, '--filter', 'model=mlp'],
      /no cell has model=mlp \(there are: rnn\)/,
    ],
    ['a wrong value to set', ['plan', file, '--set', 'steps=abc'], /^--set steps=abc: the matrix: steps is "abc"; /],
    ['a value without a key', ['plan', file, '--set', '100'], /^--set 100: sets nothing; write key=value/],
    [
      'a results folder below a file',
      ['run', file, '--out', join(regular, 'out')],
      /can't be written \(ENOTDIR\).*--out/,
    ],
    ['a file name with markup', ['run', marked], /"<b>bold" can't name a results folder/],
    ['a wrong number of jobs', ['run', file, '--jobs', 'many'], /option '--jobs <n>' argument 'many' is invalid/],
    [
      'an unknown backend',
      ['run', file, '--out', join(folder, 'out')],
      /CLIPBENCH_BACKEND is "gpu"; allowed: native, wasm, cpu/,
      { CLIPBENCH_BACKEND: 'gpu' },
    ],
    ['a report of nothing', ['report', join(folder, 'empty')], /holds no manifest\.json; give the results folder/],
  ];
  for (const [what, words, expected, env] of cases) {
    await context.test(what, () => refuses(words, expected, env));
  }
});

test('an unknown verb or option is refused with a pointer to --help', async () => {
  for (const words of [
    ['plam', 'x'],
    ['plan', 'x', '--jsom'],
  ]) {
    const { code, stderr } = await clipbench(words);
    assert.equal(code, 2);
    assert.match(stderr, /unknown (command|option).*\n?.*(Did you mean|--help)/s);
  }
});

test('plan shows axes, cells and ids, and runs nothing', async (context) => {
  const file = experimentFile(
    temporaryFolder(context),
    tiny.replace('none', '[none, {name: norm, max_norm: [0.1, 1]}]'),
  );
  const { code, stdout } = await clipbench(['plan', file]);
  assert.equal(code, 0);
  assert.match(stdout, /^q\n/);
  assert.match(stdout, /strategy\s+none, norm max_norm=0\.1, norm max_norm=1\n/);
  assert.match(
    stdout,
    /model\s+task\s+input\s+output\s+parameters\nrnn hidden=\[2\]\s+adding length=20\s+\[20, 2\]\s+\[1\]\s+13\n/,
  );
  assert.match(stdout, /3 cells, 6 training steps in all/);
  const json = await clipbench(['plan', file, '--json']);
  const ids = json.stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
    .map((cell) => (typeof cell === 'object' && cell !== null && 'cell_id' in cell ? cell.cell_id : ''));
  assert.equal(ids.length, 3);
  for (const id of ids) assert.ok(stdout.includes(String(id)));
});

test('plan shows what would run of a matrix that is cut down on the command line', async (context) => {
  const file = experimentFile(
    temporaryFolder(context),
    tiny.replace('none', '[none, {name: norm, max_norm: [0.1, 1]}]'),
  );
  const words = ['--set', 'steps=[100, 200]', '--set', 'seeds=4', '--filter', 'strategy=norm', '--filter', 'steps<200'];
  const { code, stdout } = await clipbench(['plan', file, ...words]);
  assert.equal(code, 0);
  assert.match(stdout, /strategy\s+norm max_norm=0\.1, norm max_norm=1\n/);
  assert.match(stdout, /8 of 24 cells, 800 training steps in all/);
  const smoke = await clipbench(['plan', file, '--set', 'steps=[100, 200]', '--set', 'seeds=4', '--smoke']);
  assert.match(smoke.stdout, /\n3 cells, 9 training steps in all \(smoke: their figures mean nothing\)/);
});

test('help says what there is, with examples and exit codes', async () => {
  const { code, stdout } = await clipbench(['--help']);
  assert.equal(code, 0);
  for (const word of ['plan', 'run', 'report', 'doctor', 'Exit codes', 'quickstart'])
    assert.ok(stdout.includes(word), word);
  for (const verb of ['plan', 'run', 'report', 'doctor']) {
    const help = await clipbench([verb, '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Usage: clipbench/);
  }
});
