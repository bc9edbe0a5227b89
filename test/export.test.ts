import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { fileStart, scalarEvent } from '../src/database/event_file.ts';
import { clipbench, temporaryFolder } from './support/clipbench.ts';
import { synthetic, writeSynthetic } from './support/synthetic.ts';

const golden = z
  .object({
    start: z.string(),
    events: z.array(
      z.object({
        step: z.number(),
        scalars: z.array(z.tuple([z.string(), z.union([z.number(), z.string()]).transform(Number)])),
        record: z.string(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/events.json', import.meta.url), 'utf8')));

test("records of scalars are those of TensorBoard's own writer, byte for byte", () => {
  assert.equal(fileStart().toString('hex'), golden.start);
  for (const { step, scalars, record } of golden.events) {
    assert.equal(scalarEvent(step, scalars).toString('hex'), record);
  }
});

const made = synthetic({
  models: [{ name: 'rnn', options: { hidden: [64] } }],
  rates: [0.05, 0.5],
  strategies: [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1] }],
  seeds: [0, 1],
  steps: 12,
});

test('every run is a TensorBoard run, with all that was logged, and twice the same bytes', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  await writeSynthetic(folder, made);
  const out = join(folder, 'tensorboard');
  const bytes = async () => {
    const ended = await clipbench(['export', folder, '--to', 'tensorboard']);
    assert.deepEqual(ended, { code: 0, stdout: `wrote 8 runs into ${out}\n`, stderr: '' });
    const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('tfevents'));
    return Object.fromEntries(files.sort().map((file) => [file, readFileSync(join(out, file)).toString('hex')]));
  };
  const written = await bytes();
  assert.deepEqual(await bytes(), written);
  assert.match(
    Object.keys(written)[0] ?? '',
    /^learning rate 0\.05\/none\/seed 0 [0-9a-f]{8}\/events\.out\.tfevents\./,
  );
  const [run = {}] = made.runs;
  const own = Object.entries(written).find(([file]) => file.includes(String(run.cell_id).slice(0, 8)))?.[1] ?? '';
  const step = made.steps.find(({ cell_id, step }) => cell_id === run.cell_id && step === '5') ?? {};
  const scalars = ['loss', 'learning_rate', 'grad_norm', 'clipped_norm', 'clip_coef', 'clipped_fraction'].map(
    (name): [string, number] => [`steps/${name}`, Number(step[name])],
  );
  assert.ok(own.startsWith(golden.start) && own.includes(scalarEvent(5, scalars).toString('hex')));
});

test('Parquet holds the rows of every CSV', async (context) => {
  const folder = join(temporaryFolder(context), 'made');
  await writeSynthetic(folder, made);
  const ended = await clipbench(['export', folder, '--to', 'parquet', '--out', join(folder, 'p q')]);
  assert.deepEqual(ended, { code: 0, stdout: `wrote 6 Parquet files into ${join(folder, 'p q')}\n`, stderr: '' });
  const equal = `select (select count(*) from (select * from steps except all select * from '${join(folder, 'p q')}/steps.parquet')) missing,
    (select count(*) from '${join(folder, 'p q')}/steps.parquet') n`;
  const { stdout } = await clipbench(['query', equal, folder, '--format', 'csv']);
  assert.equal(stdout, `missing,n\n0,${made.steps.length}\n`);
});
