import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { makeBenchReport } from '../src/report/bench/index.ts';
import { benchReportSchema } from '../src/report/bench/summary-schema.ts';
import type { Format } from '../src/report/index.ts';
import { writeIndex } from '../src/report/index.ts';
import { Finding } from '../src/types.ts';
import { clipbench } from './support/clipbench.ts';
import {
  growing,
  growth,
  type Measured,
  measured,
  type WantedMeasurement,
  writeMeasurement,
} from './support/measurement.ts';
import { assertReport, said, saidIn, seen } from './support/page.ts';
import { synthetic, writeSynthetic } from './support/synthetic.ts';

const root = await mkdtemp(join(tmpdir(), 'clipbench-measurement-'));
after(() => rm(root, { recursive: true }));

let written = 0;
async function folderOf(made: Measured): Promise<string> {
  written += 1;
  return writeMeasurement(join(root, `measured ${written}`), made);
}
const toldBy = async (folder: string, format: Format = 'html', quality?: string): Promise<string> =>
  (await makeBenchReport(folder, format, quality)).text ?? '';
const pageOf = async (wanted: WantedMeasurement = {}): Promise<string> => toldBy(await folderOf(measured(wanted)));

type Line = Record<string, string>;
const linesOf = async (folder: string, file: string): Promise<Line[]> =>
  parse(await readFile(join(folder, file), 'utf8'), { columns: true });
/** What a cell shows is the number, rounded to the digits that it has. */
function assertShown(cell: string | undefined, value: string | number | undefined): void {
  const plain = (cell ?? '').replaceAll('\u2212', '-').replaceAll('\u202F', '');
  const [, decimals = '', exponent = '0'] =
    /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(plain) ?? assert.fail(`${cell} is ${value}`);
  const place = Number(`1e${Number(exponent) - decimals.length}`);
  assert.ok(Math.abs(Number(plain) - Number(value)) <= 0.51 * place, `${cell} is ${value}`);
}

const step = await folderOf(measured());
const page = await toldBy(step);
const rows = await linesOf(step, 'bench.csv');
const ofRole = (role: string) => rows.filter((row) => row.role === role);

const sizes = [1000, 10_000, 100_000, 1_000_000];
const clip: WantedMeasurement = {
  measure: 'clip',
  question: 'What does clipping cost by itself?',
  groups: growing(sizes, ['none', 'value', 'global_norm']),
  record: { growths: [growth('value'), growth('copy', { estimate: 1, low: 0.99, high: 1.01 })] },
};

test('a measurement becomes a page that holds all sections, loads nothing and is well formed', async () => {
  assertReport(page, ['variants', 'belief']);
  assertReport(await pageOf(clip), ['growth', 'variants', 'belief']);
  assert.ok(Buffer.byteLength(page) < 5_000_000);
  const svg = [...page.matchAll(/<svg /g)];
  assert.equal(svg.length, 2);
});

test('markup in names and questions is text', async () => {
  const markup = `<script>alert("x")</script> & ' </style>`;
  const made = measured({ question: markup, record: { notes: [markup], command: markup } });
  const hostile = made.rows.map((row) => (row.variant === 'agc' ? { ...row, variant: markup } : row));
  const text = await toldBy(await folderOf({ ...made, rows: hostile }));
  assertReport(text, ['variants', 'belief']);
  assert.ok(seen(text).includes(markup));
});

test('the answer names the cheapest and the dearest variant as bench.csv has them', () => {
  const own = ofRole('variant').toSorted((a, b) => Number(a.ratio) - Number(b.ratio));
  const { answer } = said(page);
  const sentence = answer.find((one) => one.includes('the cheapest is')) ?? assert.fail(answer.join('\n'));
  const found =
    /^Of (\d+) variants the cheapest is (\S+), (\S+) \((\S+) to (\S+)\) .*; the dearest (\S+), (\S+) \((\S+) to (\S+)\) .*over (\d+) processes\.$/.exec(
      sentence,
    );
  const [, count, cheap, a, b, c, dear, d, e, f, processes] = found ?? assert.fail(sentence);
  const [first, last] = [own[0], own.at(-1)];
  assert.deepEqual(
    [count, cheap, dear, processes],
    [String(own.length), first?.variant, last?.variant, first?.processes],
  );
  const expected = [first?.ratio, first?.ratio_low, first?.ratio_high, last?.ratio, last?.ratio_low, last?.ratio_high];
  for (const [i, shown] of [a, b, c, d, e, f].entries()) assertShown(shown, expected[i]);
  assert.match(answer[0] ?? '', /^With none, the baseline, a training step takes 2(\.\d+)? ms\.$/);
});

test('the answer counts verdicts as the rows do, and says the noise', async () => {
  const { answer } = said(page);
  const own = ofRole('variant');
  const verdicts = own.map(({ verdict }) => verdict);
  const has = (word: string) => verdicts.filter((verdict) => verdict === word).length;
  assert.deepEqual([has('not told apart'), has('slower'), has('faster')], [1, 2, 1]);
  const sentence = `1 of 4 variants can't be told apart from the baseline, 2 are slower (global_norm and agc), 1 faster (sign).`;
  assert.ok(
    answer.some((one) => one.endsWith(sentence)),
    answer.join('\n'),
  );
  const { calibrations } = JSON.parse(await readFile(join(step, 'bench.json'), 'utf8'));
  const { again, itself } = calibrations[0];
  const [, twin, low, high, pairs, flagged, noise] =
    /: none (\S+) \((\S+) to (\S+)\)\. Of (\d+) variants held against themselves, (\d+) came out .* less than (\S+)\u202F%\.$/.exec(
      answer.at(-1) ?? '',
    ) ?? assert.fail(answer.at(-1));
  assertShown(twin, again.estimate);
  assertShown(low, again.low);
  assertShown(high, again.high);
  assert.deepEqual([Number(pairs), Number(flagged)], [itself.pairs, itself.flagged]);
  assert.ok(Math.abs(Number(noise) - 100 * (itself.noise - 1)) <= 0.06);
});

test('without a baseline times are held against copying, and nothing is called slower', async () => {
  const folder = await folderOf(measured(clip));
  const text = await toldBy(folder);
  const { answer } = said(text);
  const largest = (await linesOf(folder, 'bench.csv')).filter(({ group }) => group?.startsWith('1000000 '));
  const acting = largest.filter(({ role, strategy }) => role === 'variant' && strategy !== 'none');
  assert.equal(acting.length, 2);
  assert.match(answer[0] ?? '', /^Copying the gradient \(1000000 entries in 4 tensors\) takes (100|99\.\d|101) µs/);
  assert.match(
    answer[1] ?? '',
    /^Of 2 variants that clip the cheapest is value, .* times as long as copying; the dearest global_norm/,
  );
  assert.match(answer[2] ?? '', /largest size; 3 more groups are in the tables/);
  assert.doesNotMatch(seen(text), /\bslower\b|Verdict/);
});

test('few processes give intervals of less than 95 %, and the page says so first', async () => {
  const few = said(await pageOf({ processes: 3 })).answer;
  assert.ok(
    few.includes(
      'Intervals have a confidence of 75\u202F% and rest on 3 processes, too few for the usual 95\u202F%: six are the fewest.',
    ),
  );
  assert.ok(said(page).answer.includes('Intervals have a confidence of 95\u202F% and rest on 6 processes.'));
});

test('what is noisy is said before any figure', async () => {
  const notes = ['The machine was busy before it began (load 4.60).', 'agc: changed while it was timed'];
  const text = await pageOf({ record: { notes } });
  const before = seen(text.slice(0, text.indexOf('Short answer')));
  for (const note of notes) assert.ok(before.includes(note), note);
  assert.match(
    before,
    /5 variants in 1 group, measured in 6 processes\. Example 9000, 4 cores, kept on one core; load 0\.1 before and 1\.05 after, 0 % of time given/,
  );
  assert.ok(!seen(page).includes('Before you read on'));
});

test('twins that come out as two are a warning', async () => {
  const group = {
    name: 'g',
    again: 1.3,
    variants: [
      { name: 'none', ms: 1, role: 'baseline' as const },
      { name: 'value', ms: 1.1 },
    ],
  };
  const { answer } = said(await pageOf({ groups: [group] }));
  assert.match(answer.at(-1) ?? '', /^Measured twice, none at g \(\S+ to \S+\) came out as two different things/);
  assert.ok(!said(page).answer.some((one) => one.startsWith('Measured twice')));
});

test('where nothing tells what noise is, or nothing has a ratio, no verdict is claimed', async () => {
  const made = measured();
  const uncalibrated = await toldBy(await folderOf({ ...made, record: { ...made.record, calibrations: [] } }));
  assert.ok(said(uncalibrated).answer.some((one) => one.startsWith('Nothing was measured twice')));
  const bare = made.rows.map((row) => ({
    ...row,
    ratio: undefined,
    ratio_low: undefined,
    ratio_high: undefined,
    verdict: undefined,
  }));
  const { answer } = said(await toldBy(await folderOf({ ...made, rows: bare })));
  assert.equal(answer[0], 'No variant has a ratio to a baseline, so none is called cheap or dear.');
  assert.ok(!answer.some((one) => /cheapest|slower/.test(one)));
});

test('the table has every row of bench.csv with its figures, and no column without one', () => {
  const { tables } = saidIn(page, 'variants') ?? assert.fail();
  const [heading = [], ...lines] = tables['All variants'] ?? assert.fail();
  assert.equal(
    heading[0],
    'mnist · mlp: native · compiled · repro · sgd · batch size 64 · parameters 50\u202F890 · tensors 4',
  );
  const titles = [
    ...(/<table>.*?<\/thead>/s.exec(page.slice(page.indexOf('id="variants"')))?.[0] ?? '').matchAll(
      /<th scope="col"[^>]*>(.*?)<\/th>/g,
    ),
  ].map(([, title]) => title);
  assert.deepEqual(titles, [
    'Variant',
    'Role',
    'ms',
    'Interval',
    'Ratio',
    'Interval',
    'Verdict',
    'Kernels',
    'Peak, MB',
  ]);
  assert.equal(lines.length, rows.length);
  for (const [i, row] of rows.entries()) {
    const [variant, , ms, span, ratio, , verdict, kernels, peak] = lines[i] ?? [];
    assert.deepEqual([variant, verdict, kernels], [row.variant, row.verdict, row.kernels]);
    assertShown(ms, row.ms);
    const [low, high] = (span ?? '').split(' to ');
    assertShown(low, row.ms_low);
    assertShown(high, row.ms_high);
    if (row.ratio) assertShown(ratio, row.ratio);
    else assert.equal(ratio, '');
    if (row.peak_mb) assertShown(peak, row.peak_mb);
  }
});

test('pictures are told with the numbers of the rows', async () => {
  const lead = /<desc id="figure-1-1-desc">(.*?)<\/desc>/s.exec(page)?.[1] ?? '';
  for (const row of ofRole('variant')) {
    const [, estimate, low, high] =
      new RegExp(`${row.variant} (\\S+) \\((\\S+) to (\\S+)\\)`).exec(lead) ?? assert.fail(lead);
    assertShown(estimate, row.ratio);
    assertShown(low, row.ratio_low);
    assertShown(high, row.ratio_high);
  }
  const samples = await linesOf(step, 'samples.csv');
  const medians = [0, 1, 2, 3, 4, 5].map((process) => {
    const own = samples.filter((sample) => sample.variant === 'agc' && sample.process === String(process));
    const sorted = own.map(({ ms }) => Number(ms)).sort((a, b) => a - b);
    return ((sorted[3] ?? 0) + (sorted[4] ?? 0)) / 2;
  });
  const sorted = medians.toSorted((a, b) => a - b);
  const typical = ((sorted[2] ?? 0) + (sorted[3] ?? 0)) / 2;
  const strip = saidIn(page, 'belief')?.pictures.join(' ') ?? '';
  const shown = /agc: ([^;]*?)\.(?: |$)/.exec(strip)?.[1]?.split(', ') ?? [];
  assert.equal(shown.length, 6);
  for (const [i, cell] of shown.entries()) assertShown(cell, (medians[i] ?? 0) / typical);
});

test('a size that grows has its lines, copying among them, and the exponents that were fitted', async () => {
  const folder = await folderOf(measured(clip));
  const text = await toldBy(folder);
  const { tables, pictures } = saidIn(text, 'growth') ?? assert.fail();
  assert.deepEqual(tables['Fitted exponents'], [
    ['value', 'entries', '1\u202F000 to 1\u202F000\u202F000', '4', '0.710', '0.700 to 0.730'],
    ['copy', 'entries', '1\u202F000 to 1\u202F000\u202F000', '4', '1.000', '0.990 to 1.010'],
  ]);
  const lines = await linesOf(folder, 'bench.csv');
  for (const variant of ['none', 'value', 'global_norm', 'copy']) {
    const told = new RegExp(`${variant}, ms at (.*?)\\.(?: |$)`).exec(pictures.join(' '))?.[1] ?? assert.fail(variant);
    const own = lines.filter((row) => row.variant === variant);
    const each = told.split(', ').map((point) => point.split(': '));
    assert.deepEqual(
      each.map(([size = '']) => size.replaceAll('\u202F', '')),
      sizes.map(String),
    );
    for (const [i, [, ms]] of each.entries()) assertShown(ms, own[i]?.ms);
  }
  assert.doesNotMatch(pictures.join(' '), /again/);
  assert.equal([...text.matchAll(/stroke-dasharray="6,4"/g)].length > 0, true);
});

test('workers are lines by the number of runs, and a size without a second value has none', async () => {
  const variants = [1, 2, 4].flatMap((workers) =>
    [4, 8].map((cells) => ({
      name: `${cells} cells, ${workers} workers`,
      ms: (100 * cells) / workers,
      facts: { workers, cells },
      ...(workers === 1 && cells === 4 && { role: 'baseline' as const }),
    })),
  );
  const group = { name: 'adding · rnn', facts: { task: 'adding', model: 'rnn' }, variants };
  const text = await pageOf({
    measure: 'run',
    groups: [group],
    record: { growths: [growth('adding · rnn', { over: 'workers' })] },
  });
  const [picture = ''] = saidIn(text, 'growth')?.pictures ?? [];
  assert.match(picture, /^4 cells, ms at 1: 4\d\d, 2: \d+, 4: \d+\S*\. 8 cells, ms at 1: \S+, 2: \S+, 4: \S+\.$/);
  const { tables } = saidIn(text, 'variants') ?? assert.fail();
  assert.deepEqual(tables['All variants']?.[1]?.slice(2, 4), ['1', '4'], 'what differs within a group has a column');
});

test('a CSV file that was altered, or is missing, is refused', async () => {
  for (const file of ['bench.csv', 'samples.csv']) {
    const folder = await folderOf(measured());
    await appendFile(join(folder, file), '\n');
    await assert.rejects(
      toldBy(folder),
      (error) => error instanceof Finding && error.message.includes(`${file}: altered since it was measured`),
    );
    await rm(join(folder, file));
    await assert.rejects(
      toldBy(folder),
      (error) => error instanceof Finding && error.message.includes(`${file}: is missing`),
    );
  }
});

const results = await writeSynthetic(
  join(root, 'results'),
  synthetic({ tasks: ['row_mnist'], rates: [0.05], steps: 20, diverging: false }),
);
const joinable = (model: string): WantedMeasurement => ({
  groups: [
    {
      name: `row_mnist · ${model}`,
      facts: { task: 'row_mnist', model },
      variants: ['none', 'value', 'agc'].map((name, i) => ({
        name,
        ms: 2 + i,
        facts: { strategy: name },
        ...(i === 0 && { role: 'baseline' as const }),
      })),
    },
  ],
});

test('cost is joined with quality by strategy, task and model; the best configuration is taken, and what has no partner is named', async () => {
  const folder = await folderOf(measured(joinable('rnn')));
  const text = await toldBy(folder, 'html', results);
  assertReport(text, ['variants', 'quality', 'belief']);
  const { tables, text: prose } = saidIn(text, 'quality') ?? assert.fail();
  const [heading, ...lines] = tables['What was joined'] ?? assert.fail();
  assert.deepEqual(heading, ['row_mnist · rnn: final validation accuracy']);
  assert.deepEqual(
    lines.map(([variant]) => variant),
    ['none', 'value'],
  );
  const runs = (await linesOf(results, 'runs.csv')).filter(({ model }) => model === 'rnn');
  const typical = (strategy: string, threshold: string) => {
    const own = runs
      .filter((row) => row.strategy === strategy && row.threshold === threshold)
      .map((row) => Number(row.final_val_metric));
    const walsh = own.flatMap((a, i) => own.slice(i).map((b) => (a + b) / 2)).sort((a, b) => a - b);
    return (
      (walsh[10] ?? Number.NaN) + ((walsh.length % 2 === 0 ? (walsh[9] ?? 0) : (walsh[10] ?? 0)) - (walsh[10] ?? 0)) / 2
    );
  };
  const best = Math.max(...['0.01', '0.1', '1'].map((threshold) => typical('value', threshold)));
  assertShown(lines[1]?.[6], best);
  assert.equal(lines[1]?.[5], '3');
  const ratio = (await linesOf(folder, 'bench.csv')).find(({ variant }) => variant === 'value')?.ratio;
  assertShown(lines[1]?.[1], ratio);
  assert.match(prose, /Measured at row_mnist · rnn, without finished results: agc\./);
  assert.match(prose, /With results, not measured: norm and global_norm\./);
});

test('results of another model, or with diverged runs, are not joined', async () => {
  const other = await toldBy(await folderOf(measured(joinable('transformer'))), 'html', results);
  assert.match(saidIn(other, 'quality')?.text ?? '', /Nothing could be joined/);
  const made = synthetic({ tasks: ['row_mnist'], rates: [0.05], steps: 20, diverging: false });
  const runs = made.runs.map((row) =>
    row.strategy === 'value' && row.seed === '0'
      ? { ...row, status: 'diverged', diverged_at: '3', final_val_metric: '' }
      : row,
  );
  const lost = await writeSynthetic(join(root, 'lost'), { ...made, runs });
  const { tables, text } =
    saidIn(await toldBy(await folderOf(measured(joinable('rnn'))), 'html', lost), 'quality') ?? assert.fail();
  assert.deepEqual(
    tables['What was joined']?.slice(1).map(([variant]) => variant),
    ['none'],
  );
  assert.match(text, /6 configurations of the results left out, since a run diverged\./);
});

test('other formats say the same: Markdown with its figures, JSON by its schema', async () => {
  const { text = '', figures } = await makeBenchReport(step, 'md');
  assert.deepEqual(
    [...text.matchAll(/\]\(figures\/([\w-]+)\.svg\)/g)].map(([, name]) => name),
    Object.keys(figures),
  );
  assert.equal(Object.keys(figures).length, 2);
  assert.match(text, /^## 1 All variants$/m);
  const data: unknown = JSON.parse(await toldBy(step, 'json'));
  const committed: unknown = JSON.parse(
    await readFile(new URL('../src/report/bench/report.schema.json', import.meta.url), 'utf8'),
  );
  z.fromJSONSchema(z.record(z.string(), z.json()).parse(committed)).parse(data);
  const report = benchReportSchema.parse(data);
  assert.deepEqual(
    report.answer.map((one) => one.replaceAll(/\s/g, '')),
    said(page).answer.map((one) => one.replaceAll(/\s/g, '')),
  );
  for (const [i, row] of rows.entries()) {
    const own = report.groups[0]?.variants[i];
    assert.deepEqual(
      [own?.variant, own?.ms.estimate, own?.ratio?.low],
      [row.variant, Number(row.ms), row.ratio_low ? Number(row.ratio_low) : undefined],
    );
  }
  assert.deepEqual((await makeBenchReport(step, 'svg')).figures, figures);
});

test('the same files give the same bytes', async () => {
  const twin = await folderOf(measured());
  for (const format of ['html', 'md', 'json'] as const)
    assert.equal(await toldBy(twin, format), await toldBy(step, format));
});

test('the index lists measurements beside results', async () => {
  const shelf = join(root, 'shelf');
  await writeMeasurement(join(shelf, 'bench', 'step'), measured());
  const altered = await writeMeasurement(join(shelf, 'bench', 'touched'), measured());
  await writeFile(join(altered, 'bench.csv'), 'x\n');
  const { path, sets } = await writeIndex(shelf);
  assert.equal(sets, 2);
  const text = seen(await readFile(path, 'utf8'));
  assert.match(
    text,
    /bench\/step no report yet: .* With none, the baseline, a training step takes .* Of 4 variants the cheapest .* 2025-01-02 03:14 Example 9000/,
  );
  assert.match(text, /bench\/touched .*Can't be read: .*bench\.csv: altered since it was measured/);
});

test('the command line writes the page, and refuses what is altered or has no use here', async () => {
  const folder = await folderOf(measured(joinable('rnn')));
  const { code, stdout, stderr } = await clipbench(['report', folder, '--format', 'md']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /report\.md\nwrote 2 figures/);
  assert.ok((await readdir(folder)).includes('report.md'));
  for (const words of [
    [results, '--quality', results],
    [folder, '--quality', root],
    [root, '--index', '--quality', results],
  ]) {
    const ended = await clipbench(['report', ...words]);
    assert.equal(ended.code, 2, ended.stderr);
    assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
  }
  await appendFile(join(folder, 'bench.csv'), '\n');
  assert.equal((await clipbench(['report', folder])).code, 1);
});
