import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { pValue, signed } from '../src/report/format.ts';
import { html } from '../src/report/html.ts';
import { type Format, makeReport, renderReport } from '../src/report/index.ts';
import { markdown } from '../src/report/markdown.ts';
import { jsonNumber, type Report, reportSchema } from '../src/report/summary-schema.ts';
import { clipbench } from './support/clipbench.ts';
import { seen } from './support/page.ts';
import { synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

const folder = await mkdtemp(join(tmpdir(), 'clipbench-formats-'));
after(() => rm(folder, { recursive: true }));

const hostile = '<script>alert("x")</script> | a `b` *c* [d](http://e) ![f](g) $h$ \\ & \'i\' _j_';
const small: Wanted = {
  models: [
    { name: 'rnn', options: { hidden: [64], note: hostile } },
    { name: 'rnn', options: { hidden: [64], note: 'plain' } },
  ],
  rates: [0.5],
  steps: 30,
  question: hostile,
  file: `experiments/${hostile}.yaml`,
  failures: [
    { cell_id: 'feedfacefeedface', status: 'failed', attempts: '3', error: `boom ${hostile}\nline \\| 2`, log: 'x' },
  ],
  compare: {
    baseline: 'none',
    metric: 'val_accuracy',
    at: 'final',
    family: [{ strategy: 'global_norm', threshold: 1 }],
  },
};
const made = await writeSynthetic(join(folder, 'small'), synthetic(small));
const told = async (format: Format, from = made): Promise<string> => (await makeReport(from, format)).text ?? '';
const reportOf = async (from = made): Promise<Report> => reportSchema.parse(JSON.parse(await told('json', from)));

/** Outside of code, where everything stands for itself. */
const withoutCode = (text: string): string =>
  text.replaceAll(/(`{3,})\n[\s\S]*?\n\1/g, '').replaceAll(/(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, '');

test('Markdown says what the page says, section by section and figure by figure', async () => {
  const [text, page] = [await told('md'), await renderReport(made)];
  const titles = [...page.matchAll(/<span class="number">(\d+)<\/span> ([^<]+)<\/h2>/g)].map(
    ([, n, title]) => `## ${n} ${title}`,
  );
  assert.ok(titles.length > 6);
  assert.deepEqual(
    [...text.matchAll(/^## \d.*$/gm)].map(([line]) => line),
    titles,
  );
  assert.equal([...text.matchAll(/^\*\*Figure \d+\. /gm)].length, [...page.matchAll(/<figure /g)].length);
  assert.match(text, /^1 run failed, so there is no verdict: /m);
  assert.match(text, /^\| global_norm 1 \| withheld \| \+∞ \|.* \| 0\.031 \| 0\.063 \|/m);
});

test('every figure that Markdown shows is written, and none besides', async () => {
  const { text = '', figures } = await makeReport(made, 'md');
  const shown = [...text.matchAll(/\]\(figures\/([\w-]+)\.svg\)/g)].map(([, name]) => name);
  assert.ok(shown.length > 5);
  assert.deepEqual(shown, Object.keys(figures));
  assert.deepEqual((await makeReport(made, 'svg')).figures, figures);
});

test('rows of Markdown tables have as many cells as their heads, whatever labels and errors hold', async () => {
  const cells = (line: string) => line.replaceAll(/\\[^\n]/g, '').split('|').length;
  const tables = (await told('md')).split('\n\n').filter((block) => block.startsWith('| '));
  assert.ok(tables.length > 5);
  for (const table of tables) {
    const lines = table.split('\n');
    assert.match(lines[1] ?? '', /^\| (?:--[-:] \| )*--[-:] \|$/);
    for (const line of lines) assert.equal(cells(line), cells(lines[0] ?? ''), line);
  }
  assert.ok(tables.some((table) => table.includes('boom') && table.includes('line \\\\\\| 2')));
});

test('markup in a question, an option and an error is text in Markdown', async () => {
  const text = await told('md');
  assert.match(
    text,
    /^# &lt;script&gt;alert\("x"\)&lt;\/script&gt; \\\| a \\`b\\` \\\*c\\\* \\\[d\\\]\(http:\\\/\/e\) !\\\[f\\\]\(g\) \\\$h\\\$ /m,
  );
  const open = withoutCode(text);
  assert.deepEqual([...new Set([...open.matchAll(/<\/?[a-z]+/g)].map(([tag]) => tag))].sort(), [
    '</code',
    '</details',
    '</summary',
    '<br',
    '<code',
    '<details',
    '<summary',
  ]);
  assert.ok(!/(?<!\\)\]\((?!figures\/)/.test(open), 'no link but to figures');
});

test('what would start a block of Markdown at the start of a paragraph is escaped', () => {
  for (const [written, expected] of [
    ['# no heading', '\\# no heading'],
    ['- no item', '\\- no item'],
    ['1. no item', '1\\. no item'],
    ['> no quote', '&gt; no quote'],
    ['~~~ no fence', '\\~\\~\\~ no fence'],
    ['a\n\n# b', 'a # b'],
    ['global_norm _x_', 'global_norm \\_x\\_'],
    ['https://e.org, WWW.e.org', 'https:\\//e.org, WWW\\.e.org'],
  ]) {
    assert.equal(markdown(html`<p>${written}</p>`), `${expected}\n`);
  }
  assert.equal(markdown(html`<p><code>${'a `` | b'}</code></p>`), '```a `` | b```\n');
  assert.equal(markdown(html`<pre><code>${'```\nx'}</code></pre>`), '````\n```\nx\n````\n');
});

test('report.json fits its committed schema, which refuses other things', async () => {
  const committed: unknown = JSON.parse(
    await readFile(new URL('../src/report/report.schema.json', import.meta.url), 'utf8'),
  );
  const schema = z.fromJSONSchema(z.record(z.string(), z.json()).parse(committed));
  const data: unknown = JSON.parse(await told('json'));
  schema.parse(data);
  const report = reportSchema.parse(data);
  assert.ok(!schema.safeParse({ ...report, question: 1 }).success);
  assert.ok(!schema.safeParse({ ...report, unknown: 1 }).success);
  assert.equal(report.question, hostile);
});

test('figures in report.json are those on the page', async () => {
  const calm = await writeSynthetic(join(folder, 'calm'), synthetic({ ...small, diverging: false }));
  for (const from of [made, calm]) {
    const [report, page] = [await reportOf(from), await renderReport(from)];
    const [body = ''] = /<section id="comparison".*?<\/section>/s.exec(page) ?? [];
    const rows = [...body.matchAll(/<tr><th scope="row">.*?<\/tr>/gs)].map(([row]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => seen(cell).trim()),
    );
    const all = report.comparison?.comparisons ?? [];
    assert.equal(all.length, 18);
    assert.equal(rows.length, 18);
    for (const [index, one] of all.entries()) {
      const [name, verdict, effect = '', interval = '', p, holm, diverged, lost, mcnemar, n] = rows[index] ?? [];
      assert.deepEqual([name, verdict, n], [one.configuration, one.verdict, String(one.n)]);
      assertShown(effect, one.effect);
      const [low = '', high = ''] = interval.split(' to ');
      assertShown(low, one.interval?.low);
      assertShown(high, one.interval?.high);
      const shown = [one.p, one.holm, one.mcnemar].map((value) => (value === undefined ? '–' : pValue(value)));
      assert.deepEqual([p, holm, mcnemar], shown);
      assert.ok(
        diverged?.startsWith(`${one.diverged}/${one.n} `) && lost?.startsWith(`${one.baseline_diverged}/${one.n} `),
      );
    }
    assert.equal(all.filter(({ declared }) => declared).length, 2);
    const [, text = ''] = /<h2>Short answer<\/h2>(.*?)<\/div>/s.exec(page) ?? [];
    assert.deepEqual(report.answer.join(' ').replaceAll(/\s/g, ''), seen(text).replaceAll(/\s/g, ''));
  }
});

/** The page rounds; its text is a number nearer than its last digit, or the same bound. */
function assertShown(cell: string, value: number | string | undefined): void {
  const read = Number(cell.replace('\u2212', '-').replace('∞', 'Infinity'));
  const decimals = /\.(\d+)$/.exec(cell)?.[1]?.length ?? 0;
  const isSame = typeof value === 'number' ? Math.abs(read - value) <= 0.51 * 10 ** -decimals : read === Number(value);
  assert.ok(isSame, `${cell} is ${value}`);
}

test('comparisons, divergence and labels are counted as in runs.csv', async () => {
  const { configurations, runs } = await reportOf();
  const rows = synthetic(small).runs;
  assert.equal(runs.completed + runs.diverged, rows.length);
  assert.equal(configurations.length, 20);
  for (const { strategy, threshold, seeds, diverged, clipping, setting, results } of configurations) {
    const own = rows.filter(
      (row) =>
        row.strategy === strategy &&
        (row.threshold ?? '') === String(threshold ?? '') &&
        row.model_options?.includes('plain') === setting.includes('plain'),
    );
    assert.equal(own.length, 6);
    assert.deepEqual(seeds, [0, 1, 2, 3, 4, 5]);
    assert.equal(diverged, own.filter((row) => row.status === 'diverged').length);
    assert.equal(
      clipping?.binding,
      strategy === 'none' ? undefined : own.filter((row) => row.label === 'binding').length / 6,
    );
    const sorted = own
      .flatMap((row) => (row.best_val_metric ? [Number(row.best_val_metric)] : []))
      .sort((a, b) => a - b);
    const { median, n } = results.best_val_metric ?? { median: Number.NaN, n: 0 };
    assert.equal(n, sorted.length);
    assert.ok(Math.abs(Number(median) - (Number(sorted[2]) + Number(sorted[3])) / 2) < 1e-12);
  }
});

test('a difference without bound is a string in report.json, as on the page', async () => {
  const lost = await writeSynthetic(
    join(folder, 'lost'),
    synthetic({
      ...small,
      models: [{ name: 'rnn', options: {} }],
      compare: { baseline: 'none', metric: 'val_accuracy', at: 'final' },
    }),
  );
  const { comparison } = await reportOf(lost);
  const odd = comparison?.comparisons.filter(({ effect }) => effect === 'Infinity') ?? [];
  assert.ok(odd.length > 0);
  const page = seen(await renderReport(lost));
  for (const { configuration, verdict } of odd)
    assert.ok(page.includes(` ${configuration} ${verdict} ${signed(Infinity)} `), configuration);
  assert.deepEqual([1.5, NaN, Infinity, -Infinity].map(jsonNumber), [1.5, 'NaN', 'Infinity', '-Infinity']);
});

test('a smoke test gives no comparison and no figure in any format', async () => {
  const smoke = await writeSynthetic(join(folder, 'smoke'), synthetic({ smoke: true }));
  const { comparison, configurations, smoke: said } = await reportOf(smoke);
  assert.deepEqual([comparison, configurations, said], [undefined, [], true]);
  const { text = '', figures } = await makeReport(smoke, 'md');
  assert.match(text, /^> \*\*SMOKE TEST\*\* of 3 steps/);
  assert.deepEqual(figures, {});
});

test('the same results give the same bytes in every format', async () => {
  const copy = join(folder, 'elsewhere');
  await cp(made, copy, { recursive: true });
  for (const format of ['html', 'md', 'json', 'svg'] as const) {
    assert.deepEqual(await makeReport(made, format), await makeReport(copy, format));
  }
});

test('the command line writes the format that was asked for, and refuses what has no meaning', async () => {
  const own = await writeSynthetic(
    join(folder, 'asked'),
    synthetic({ ...small, models: [{ name: 'rnn', options: {} }] }),
  );
  const before = (await readdir(own)).sort();
  const added = async () => (await readdir(own)).filter((name) => !before.includes(name)).sort();
  assert.equal((await clipbench(['report', own, '--format', 'json'])).code, 0);
  assert.deepEqual(await added(), ['report.json']);
  await rm(join(own, 'report.json'));
  assert.equal((await clipbench(['report', own, '--format', 'svg'])).code, 0);
  assert.deepEqual(await added(), ['figures']);
  await rm(join(own, 'figures'), { recursive: true });
  assert.equal((await clipbench(['report', own, '--format', 'md'])).code, 0);
  assert.deepEqual(await added(), ['figures', 'report.md']);
  for (const words of [[own, '--format', 'pdf'], [own, '--format', 'json', '--figures'], []]) {
    const { code, stderr } = await clipbench(['report', ...words]);
    assert.equal(code, 2, stderr);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});
