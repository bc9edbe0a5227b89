import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { formats as ofDatabase, textOf } from '../src/database/formats.ts';
import { openResults } from '../src/database/results.ts';
import { Finding } from '../src/types.ts';
import { clipbench, temporaryFolder } from './support/clipbench.ts';
import { synthetic, writeSynthetic } from './support/synthetic.ts';

const small = {
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.5],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1, 10] }],
  steps: 30,
};

async function answer(folders: string[], sql: string, format: 'csv' | 'json' | 'markdown' = 'csv'): Promise<string> {
  const pieces: string[] = [];
  const database = await openResults(folders);
  for await (const piece of textOf(await database.stream(sql), format)) pieces.push(piece);
  return pieces.join('');
}

test('every row of every CSV comes back as it stands there', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  await writeSynthetic(folder, synthetic(small));
  for (const file of ['runs', 'steps', 'evals', 'signals', 'failures']) {
    // Without an order of its own, a table comes in the order of the file.
    const text = await answer([folder], `select * from ${file}`);
    const [rows, stored]: string[][][] = [text, readFileSync(join(folder, `${file}.csv`), 'utf8')].map((own) =>
      parse(own),
    );
    assert.deepEqual(rows, stored, file);
  }
  assert.equal(await answer([folder], 'select * from timing'), 'cell_id,host,worker,started,seconds,ms_per_step\n');
});

test('empty fields are null, whole numbers are whole, and floats are what JavaScript reads', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  const made = synthetic(small);
  await writeSynthetic(folder, made);
  const sql =
    `select count(*) n, count(threshold) t, max(seed) seed, sum(isnan(loss)::int)::int nans, max(loss) filter (isfinite(loss)) as most
    from steps join runs using (cell_id)`.replace('count(threshold)', 'count(runs.threshold)');
  const [found] = JSON.parse(await answer([folder], sql, 'json'));
  const losses = made.steps.map(({ loss }) => Number(loss));
  const without = new Set(made.runs.filter(({ threshold }) => threshold === '').map(({ cell_id }) => cell_id));
  assert.deepEqual(found, {
    n: made.steps.length,
    t: made.steps.filter(({ cell_id }) => !without.has(cell_id)).length,
    seed: 5,
    nans: losses.filter(Number.isNaN).length,
    most: Math.max(...losses.filter(Number.isFinite)),
  });
});

test('several folders are schemas, and the first one needs no name', async (context) => {
  const folder = temporaryFolder(context);
  const [a, b] = [join(folder, 'first one'), join(folder, 'b')];
  await writeSynthetic(a, synthetic(small));
  await writeSynthetic(b, synthetic({ ...small, seeds: [0] }));
  const text = await answer(
    [a, b],
    'select (select count(*) from runs) x, (select count(*) from "first one".runs) y, (select count(*) from b.runs) z',
  );
  assert.equal(text, 'x,y,z\n18,18,3\n');
});

test('JSON and Markdown hold what is not finite, not there, nested, or has a bar in it', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  await writeSynthetic(folder, synthetic(small));
  const sql = `select 'nan'::double a, -'inf'::double b, -0.0::double c, 1e-7 d, null e, [1, null] f, 'x|y' g, 9007199254740993 h, true i`;
  assert.deepEqual(JSON.parse(await answer([folder], sql, 'json')), [
    { a: 'NaN', b: '-Infinity', c: 0, d: 1e-7, e: null, f: [1, null], g: 'x|y', h: '9007199254740993', i: true },
  ]);
  assert.equal(
    await answer([folder], sql, 'markdown'),
    '| a | b | c | d | e | f | g | h | i |\n| --: | --: | --: | --: | --- | --- | --- | --: | --- |\n| NaN | -Infinity | -0 | 1e-7 |  | [1,null] | x\\|y | 9007199254740993 | true |\n',
  );
  assert.equal(await answer([folder], 'select 1 a where false', 'json'), '[\n]\n');
});

test('the same sums come out again and again', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  await writeSynthetic(folder, synthetic());
  const sql =
    'select cell_id, avg(loss) filter (isfinite(loss)) l, sum(clipped_norm) c from steps group by all order by all';
  assert.equal(await answer([folder], sql), await answer([folder], sql));
});

test('a CSV with other columns, or a cut one, is refused', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  await writeSynthetic(folder, synthetic(small));
  appendFileSync(join(folder, 'evals.csv'), '0123456789abcdef,3');
  await assert.rejects(answer([folder], 'select count(metric) from evals'), /Expected Number of Columns: 5 Found: 2/);
  writeFileSync(join(folder, 'steps.csv'), 'cell_id,step\n');
  await assert.rejects(
    openResults([folder]),
    (error) =>
      error instanceof Finding && /steps\.csv:1: the columns are not those of this version/.test(error.message),
  );
});

test('clipbench query writes all formats, and says in a line what is wrong', async (context) => {
  const folder = temporaryFolder(context);
  const made = join(folder, 'made');
  await writeSynthetic(made, synthetic(small));
  const counted = 'select strategy, count(*) n from runs group by all order by all';
  const printed = await clipbench(['query', counted, made]);
  assert.deepEqual(printed, {
    code: 0,
    stdout: '| strategy | n |\n| --- | --: |\n| none | 6 |\n| norm | 12 |\n',
    stderr: '',
  });
  const file = join(folder, 'steps.parquet');
  const parquet = await clipbench(['query', 'select * from steps;', made, '--format', 'parquet', '--out', file]);
  assert.deepEqual(parquet, { code: 0, stdout: `wrote ${file}\n`, stderr: '' });
  const again = await clipbench(['query', `select count(*) n from '${file}'`, made, '--format', 'csv']);
  assert.equal(again.stdout, `n\n${synthetic(small).steps.length}\n`);
  const wrong: [string[], string][] = [
    [['query', 'select nope from runs', made], 'query: Binder Error: Referenced column "nope" not found'],
    [['query', 'select 1', join(folder, 'nowhere')], `${join(folder, 'nowhere')}: holds no manifest.json; give a`],
    [['query', 'select 1', made, '--format', 'parquet'], '--format parquet needs --out FILE'],
  ];
  for (const [words, says] of wrong) {
    const { code, stderr } = await clipbench(words);
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(says) && stderr.trim().split('\n').length === 1, stderr);
  }
  rmSync(made, { recursive: true });
});

test('the formats offered are those there are', async () => {
  const { stdout } = await clipbench(['query', '--help']);
  for (const format of ofDatabase) assert.ok(stdout.includes(`"${format}"`), format);
});
