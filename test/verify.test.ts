import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { idOf, NUMERICS_VERSION } from '../src/matrix/identity.ts';
import { firstDifference } from '../src/run/difference.ts';
import { planOf } from '../src/run/plan.ts';
import { eachPart, openSegment, type ResultRecord, readText, scan, textPath } from '../src/run/store.ts';
import { clipbench, experimentFile, resultHashes, temporaryFolder } from './support/clipbench.ts';

const matrix = `question: Is it the same again?
seeds: 3
steps: 6
batch_size: 4
eval_every: 3
log_every: 2
task: {name: adding, length: 20}
model: {name: mlp, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [none, {name: global_norm, max_norm: 0.1}]
`;

const recordsOf = (folder: string): ResultRecord[] => [
  ...(scan(folder).stored.get(planOf(folder).fingerprint)?.results.values() ?? []),
];

let rewritten = 0;

/** Stores a cell again, with a text that says something else: as if another machine had computed it. */
function rewrite(
  folder: string,
  record: ResultRecord,
  change: (text: string) => string,
  fingerprint = record.fingerprint,
  from = record,
): void {
  const text = readText(folder, from);
  assert.ok(text !== undefined, 'a whole text');
  const { bytes: _bytes, sha256: _sha256, ...facts } = record;
  // Two in one millisecond would have one name.
  rewritten += 1;
  openSegment(folder, 'w9', new Date(Date.now() + rewritten)).commit(
    eachPart((part) => change(text[part].toString())),
    { ...facts, fingerprint },
  );
}

test('verify', { timeout: 300_000 }, async (context) => {
  process.env.CLIPBENCH_BACKEND = 'cpu';
  const folder = temporaryFolder(context);
  const whole = join(folder, 'whole');
  assert.equal((await clipbench(['run', experimentFile(folder, matrix), '--out', whole])).code, 0);
  const copy = (name: string) => {
    cpSync(whole, join(folder, name), { recursive: true });
    return join(folder, name);
  };

  await context.test('finds a sample of stored runs equal, and leaves the folder as it was', async () => {
    const before = readFileSync(join(whole, 'manifest.json'), 'utf8');
    const { code, stdout } = await clipbench(['verify', whole, '--sample', '50%']);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /3 of 6 stored runs are done again/);
    assert.match(stdout, /3 equal bit for bit, 0 different, all 6 stored texts whole/);
    assert.equal(readFileSync(join(whole, 'manifest.json'), 'utf8'), before);
    assert.equal(recordsOf(whole).length, 6);
  });

  await context.test('names the first step whose scalars differ, logged or not, and the first tensor', async () => {
    const other = copy('other');
    const [first, second, third] = recordsOf(other);
    assert.ok(first && second && third, 'three records');
    rewrite(other, first, (text) =>
      text.replace(/^4,[0-9a-f]{8}$/m, '4,00000000').replace(/^([0-9a-f]{16}),4,[^,]+/m, '$1,4,0.5'),
    );
    rewrite(other, second, (text) => text.replace(/^3,[0-9a-f]{8}$/m, '3,00000000'));
    rewrite(other, third, (text) => text.replace(/^3,params\.b0,\w+$/m, '3,params.b0,0000000000000000'));
    const { code, stdout } = await clipbench(['verify', other, '--sample', 'all']);
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`${first.cell_id}: first differs at step 4: loss 0\\.5 stored, 0\\.\\d+ now`));
    assert.match(stdout, new RegExp(`${second.cell_id}: first differs at step 3 \\(in what is not logged\\)`));
    assert.match(stdout, new RegExp(`${third.cell_id}: first differs at tensor params\\.b0 before step 3`));
    assert.match(stdout, /3 equal bit for bit, 3 different, all 6 stored texts whole/);
  });

  await context.test('says first that another environment computed the results', async () => {
    const other = copy('foreign');
    for (const record of recordsOf(other)) rewrite(other, record, (text) => text, '0123456789ab');
    const change = (file: string, from: RegExp, to: string) =>
      writeFileSync(join(other, file), readFileSync(join(other, file), 'utf8').replace(from, to));
    change('cells/plan.json', /"fingerprint":"\w+"/, '"fingerprint":"0123456789ab"');
    change('manifest.json', /"math": "\w+"/, '"math": "elsewhere"');
    const { code, stdout } = await clipbench(['verify', other, '--sample', 'all']);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^another environment computed these results.*\n {2}math: elsewhere there, \w+ here\n6 of 6/);
  });

  await context.test(
    'collect, report and verify find what was altered, in its length, its record, or gone',
    async () => {
      const change = (path: string, to: (text: string) => string) =>
        writeFileSync(path, to(readFileSync(path, 'latin1')), 'latin1');
      const segment = (other: string) => {
        const [name = ''] = readdirSync(join(other, 'cells', 'segments'));
        return join(other, 'cells', 'segments', name);
      };
      const ways: [what: string, alter: (path: string, other: string) => void, named: RegExp][] = [
        ['longer', (path) => change(path, (text) => `${text} `), /\.txt/],
        ['shorter', (path) => change(path, (text) => text.slice(0, -5)), /\.txt/],
        ['gone', (path) => rmSync(path), /\.txt \(missing\)/],
        [
          'a record',
          (_path, other) => change(segment(other), (text) => text.replace('"seconds":', '"secomds":')),
          /\.log:1/,
        ],
      ];
      for (const [what, alter, named] of ways) {
        const other = copy(`altered-${what}`);
        const [record] = recordsOf(other);
        assert.ok(record, 'a record');
        alter(textPath(other, record.fingerprint, record.cell_id), other);
        const verified = await clipbench(['verify', other]);
        assert.equal(verified.code, 1, what);
        assert.match(verified.stdout, named, what);
        assert.equal((await clipbench(['report', other])).code, 1, what);
        const collected = await clipbench(['collect', other]);
        assert.equal(collected.code, 1, what);
        assert.match(collected.stderr, named, what);
        const again = await clipbench(['run', join(folder, 'small.yaml'), '--out', other]);
        assert.equal(again.code, 0, again.stderr);
        assert.deepEqual(resultHashes(other), resultHashes(whole), what);
      }
    },
  );

  await context.test('names a text that is not what was stored, and puts it aside', async () => {
    const other = copy('altered');
    const [record] = recordsOf(other);
    assert.ok(record, 'a record');
    const path = textPath(other, record.fingerprint, record.cell_id);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"seed":', '"need":'));
    const { code, stdout } = await clipbench(['verify', other]);
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`altered: ${path}, now .*aside/${record.cell_id}\\.txt`));
    assert.match(stdout, /1 of 6 stored texts altered/);
  });

  await context.test('refuses results of another numerics_version', async () => {
    const other = copy('version');
    const plan = readFileSync(join(other, 'cells', 'plan.json'), 'utf8');
    const ids = recordsOf(other).map((record) => {
      const cell = (readText(other, record)?.cell.toString() ?? '').replace(
        `"numerics_version":${NUMERICS_VERSION}`,
        '"numerics_version":0',
      );
      const cell_id = idOf(cell.trimEnd());
      rewrite(other, { ...record, cell_id }, (text) => (text.startsWith('{"cell"') ? cell : text), undefined, record);
      return cell_id;
    });
    writeFileSync(join(other, 'cells', 'plan.json'), JSON.stringify({ ...JSON.parse(plan), cell_ids: ids }));
    const { code, stderr } = await clipbench(['verify', other]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(
        `was computed by numerics_version 0, this clipbench has ${NUMERICS_VERSION}, whose arithmetic differs; verify`,
      ),
    );
  });
});

const textOf = (changes: Partial<Record<'run' | 'steps' | 'evals' | 'chain', string>>) =>
  eachPart((part) => Buffer.from(Object.entries(changes).find(([name]) => name === part)?.[1] ?? ''));

test('where two runs part is said in the words of the columns', () => {
  const steps = 'c,0,0.5,0.1\nc,1,0.25,0.1\n';
  const chain = '0,params.w,aa\n0,11\n1,22\n';
  const base = { steps, chain };
  const cases: [string, Parameters<typeof textOf>[0], string | undefined][] = [
    ['equal runs', base, undefined],
    [
      'a loss',
      { steps: steps.replace('0.25', '0.2'), chain: chain.replace('22', '23') },
      'step 1: loss 0.25 stored, 0.2 now',
    ],
    ['a scalar that is not logged', { steps, chain: chain.replace('11', '12') }, 'step 0 (in what is not logged)'],
    ['a tensor', { steps, chain: chain.replace('aa', 'ab') }, 'tensor params.w before step 0'],
    ['a shorter run', { steps, chain: '0,params.w,aa\n0,11\n' }, 'this run ends before step 1'],
    ['a longer run', { steps, chain: `${chain}2,33\n` }, 'the stored run ends before step 2'],
    ['an evaluation', { ...base, evals: 'c,0,val,0.5,0.25\n' }, 'evals: a row more than stored'],
  ];
  for (const [what, again, expected] of cases) {
    assert.equal(firstDifference(textOf(base), textOf(again)), expected, what);
  }
  assert.equal(
    firstDifference(textOf({ evals: 'c,0,val,0.5,1\n' }), textOf({ evals: 'c,0,val,0.5,2\n' })),
    'evals: step 0: metric 1 stored, 2 now',
  );
});
