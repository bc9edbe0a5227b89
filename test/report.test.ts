import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '../src/manifest.ts';
import { declaredComparison } from '../src/report/comparison.ts';
import { design } from '../src/report/design.ts';
import { aligned, alignedRows, percent, pValue, signed, significant, whole } from '../src/report/format.ts';
import { html, prose } from '../src/report/html.ts';
import { writeReport } from '../src/report/index.ts';
import type { Row } from '../src/report/row.ts';
import { fields, varying } from '../src/report/vary.ts';
import { Finding, UsageError } from '../src/types.ts';
import { assertReport, listing, seen } from './support/page.ts';
import { rendered, type Synthetic, synthetic, type Wanted, writeSynthetic } from './support/synthetic.ts';

const folder = await mkdtemp(join(tmpdir(), 'clipbench-report-'));
after(() => rm(folder, { recursive: true }));

const markup = `<script>alert("x")</script> & <b>bold</b> </style> ' "`;
const one = [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [1] }];
const some = [{ name: 'none' }, { name: 'norm', threshold: 'max_norm', values: [0.1, 10] }];
const rnn = [{ name: 'rnn', options: { hidden: [64] } }];
const small: Wanted = { models: rnn, rates: [0.5], steps: 30 };
const compare = (more: Partial<NonNullable<Manifest['compare']>> = {}) => ({
  baseline: 'none',
  metric: 'val_accuracy',
  at: 'final' as const,
  ...more,
});

const full = synthetic({
  steps: 40,
  failures: [
    { cell_id: 'feedfacefeedface', status: 'failed', attempts: '3', error: `boom ${markup}`, log: 'cells/logs/x.log' },
  ],
  question: markup,
  file: `experiments/${markup}.yaml`,
});

test('a full report has every section, loads nothing and runs its own script alone', async () => {
  const page = await rendered(full);
  assertReport(page);
  assert.match(
    page,
    /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'unsafe-inline'; img-src data:">/,
  );
  assert.equal([...page.matchAll(/<figure /g)].length, 13);
});

test('markup in the question, the file name, an option and an error is shown as text', async () => {
  const models = [
    { name: 'rnn', options: { note: markup } },
    { name: 'rnn', options: { note: 'plain' } },
  ];
  const page = await rendered(
    synthetic({ ...small, strategies: some, models, question: markup, file: markup, failures: full.failures }),
  );
  assertReport(page);
  const text = seen(page);
  assert.ok(text.includes(markup.replaceAll(/\s+/g, ' ')));
  assert.ok(text.includes(`boom ${markup}`) && text.includes(`note ${markup}`));
  assert.ok(!page.includes('<b>bold'));
});

test('the same folder gives the same bytes, twice, and in another process, time zone and language', async () => {
  const made = await writeSynthetic(
    join(folder, 'same'),
    synthetic({ ...small, strategies: some, tasks: ['row_mnist', 'adding'] }),
  );
  const first = await readFile(await writeReport(made), 'utf8');
  assert.equal(await readFile(await writeReport(made), 'utf8'), first);
  const program = `import('${new URL('../src/report/index.ts', import.meta.url).href}').then((r) => r.writeReport(process.argv[1]))`;
  await rm(join(made, 'report.html'));
  execFileSync(process.execPath, ['--import', 'tsx', '-e', program, made], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, TZ: 'Pacific/Auckland', LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' },
  });
  assert.equal(await readFile(join(made, 'report.html'), 'utf8'), first);
});

test('the short answer gives the declared verdict and counts divergence', async () => {
  const family = [{ strategy: 'global_norm', threshold: 1 }];
  const text = seen(await rendered(synthetic({ ...small, compare: compare({ family }) })));
  assert.match(
    text,
    /On validation accuracy after the last step, against none , 1 comparison under Holm: global_norm 1 was better than none/,
  );
  assert.match(text, /none diverged on \d of 6 seeds, global_norm 1 on 0; Holm p 0\.031\./);
  assert.match(
    text,
    /smallest two-sided p that any data could reach is 0\.031, 0\.031 after Holm over 1 comparison\. So a verdict is possible/,
  );
  assert.match(text, /the other 8 are described without a verdict/);
});

test('what was expected beforehand is held against the verdict', async () => {
  const told = async (expect: string) => {
    const family = [{ strategy: 'global_norm', threshold: 1, expect }];
    return seen(await rendered(synthetic({ ...small, compare: compare({ family }) })));
  };
  const [held, missed] = [await told('better'), await told('worse')];
  assert.match(held, /Of 1 expectation stated beforehand, 1 came true\./);
  assert.ok(!held.includes('was expected to be'));
  assert.match(
    missed,
    /Of 1 expectation stated beforehand, 0 came true\. global_norm 1 at .* was expected to be worse, and came out better\./,
  );
});

test('one threshold of a strategy can be the baseline of its others', async () => {
  const baseline = { strategy: 'global_norm', threshold: 1 };
  const family = [{ strategy: 'none' }];
  const page = await rendered(synthetic({ ...small, compare: compare({ baseline, family }) }));
  assertReport(page);
  const text = seen(page);
  assert.match(text, /against global_norm 1\b/);
  assert.match(text, /none was worse than global_norm 1 at/);
  assert.ok(!/nothing to compare with/.test(text));
});

test('a member of the family can be compared with another setting', async () => {
  const family = [
    { strategy: 'global_norm', threshold: 1, learning_rate: 0.5, against: { learning_rate: 0.05 }, expect: 'better' },
    { strategy: 'global_norm', threshold: 1, learning_rate: 0.5, against: { strategy: 'none' } },
    { strategy: 'global_norm', learning_rate: 0.5, against: { learning_rate: 0.05 } },
  ];
  const given = synthetic({ ...small, rates: [0.05, 0.5], compare: compare({ family }) });
  const page = await rendered(given);
  assertReport(page);
  const text = seen(page);
  assert.match(text, /2 comparisons under Holm/);
  const more = synthetic({
    ...small,
    rates: [0.05, 0.5],
    seeds: [0, 1, 2, 3, 4, 5, 6, 7],
    compare: compare({ family }),
  });
  assert.match(
    seen(await rendered(more)),
    /against none , 2 comparisons under Holm, 1 of them against another that the family names:/,
  );
  assert.match(text, /global_norm 1 (was|does|at).*learning rate 0\.5, against .*learning rate 0\.05/);
  assert.match(text, /global_norm 1 against none/);
  assert.match(text, /names .*global_norm.*: it takes one configuration on either side/);
  // Compared here by hand, pair by pair.
  const declared = declaredComparison(design(given.runs, given.manifest), given.manifest);
  const [across] = (declared?.comparisons ?? []).filter(({ setting }) => setting.label.includes('against'));
  const final = (rate: string) =>
    new Map(
      given.runs
        .filter((row) => row.strategy === 'global_norm' && row.threshold === '1' && row.learning_rate === rate)
        .map((row) => [row.seed, Number(row.final_val_metric)]),
    );
  const theirs = final('0.05');
  assert.deepEqual(
    across?.differences,
    [...final('0.5')].map(([seed, ours]) => ours - (theirs.get(seed) ?? Number.NaN)),
  );
});

test('fewer than six seeds: the data are shown and no verdict is given', async () => {
  const text = seen(await rendered(synthetic({ ...small, seeds: [0, 1] })));
  assert.match(text, /No verdict is possible on validation accuracy/);
  assert.match(text, /even if every seed agreed, the two-sided p would be 0\.5, 1 after Holm over 9 comparisons/);
  assert.ok(!/ was (better|worse) than/.test(text) && text.includes('not possible'));
});

test('six seeds and a family too large for them: no verdict, and how many seeds it takes', async () => {
  const text = seen(await rendered(synthetic(small)));
  assert.match(
    text,
    /with 6 paired seeds and 9 comparisons under Holm the smallest p is 0\.28, above 0\.05\. It would take 9 seeds/,
  );
});

test('without a declared comparison there is no verdict', async () => {
  const page = await rendered(synthetic({ ...small, strategies: one, compare: undefined }));
  assertReport(page);
  assert.match(seen(page), /No comparison was declared before running/);
});

test('one strategy only: what is missing is said in a sentence', async () => {
  const page = await rendered(synthetic({ ...small, strategies: [{ name: 'none' }] }));
  assertReport(page);
  const text = seen(page);
  assert.match(text, /There is nothing to compare/);
  assert.match(text, /No clip strategy was run/);
  assert.match(text, /No clip rate to draw/);
});

test('settings of the baseline alone are drawn once, and strategies only where they ran', async () => {
  const models = [8, 16].map((width) => ({ name: 'rnn', options: { hidden: [width] } }));
  const made = synthetic({ ...small, models, strategies: one, diverging: false });
  const gone = made.runs.filter((run) => run.strategy === 'norm' && run.model_options?.includes('16'));
  assert.ok(gone.length > 0);
  const ids = new Set(gone.map((run) => run.cell_id));
  const kept = (rows: Row[]) => rows.filter((row) => !ids.has(row.cell_id));
  const left = { runs: kept(made.runs), steps: kept(made.steps), evals: kept(made.evals), signals: kept(made.signals) };
  const page = await rendered({ ...made, ...left });
  assertReport(page);
  const drawn = (title: string) =>
    page
      .split('<figure ')
      .filter((figure) => figure.includes(title))
      .flatMap((figure) => [...figure.matchAll(/<desc[^>]*>([^<]*)/g)].map(([, text = '']) => text));
  assert.deepEqual(
    drawn('Validation over training').map((text) => text.replaceAll(/ends at \S+/g, 'ends')),
    ['hidden [8]: none ends at step 30; norm 1 ends at step 30.', 'hidden [16]: none ends at step 30.'],
  );
});

test('telemetry off: loss curves stay, norms and clip rate say why they are missing', async () => {
  const page = await rendered(synthetic({ ...small, telemetry: 'off' }));
  assertReport(page);
  assert.match(seen(page), /Training loss, threshold by threshold/);
  assert.match(seen(page), /No gradient norm to draw: the runs recorded no finite, positive one/);
  assert.match(seen(page), /the runs recorded none \(telemetry was off\)/);
});

test('no divergence: a sentence with the bound that the seeds allow', async () => {
  const text = seen(await rendered(synthetic({ ...small, diverging: false })));
  assert.match(
    text,
    /None of the 60 runs diverged\. That is weaker than it sounds: 0 of 6 seeds leaves a true rate of up to 39/,
  );
});

test('an experiment without a finished run still has a report', async () => {
  const made: Synthetic = {
    ...synthetic({ ...small, seeds: [], failures: full.failures }),
    steps: [],
    evals: [],
    signals: [],
  };
  const page = await rendered(made);
  assertReport(page, listing);
  assert.match(seen(page), /1 run planned: 0 completed, 0 diverged and 1 failed\. No run has finished\./);
  assert.match(seen(page), /No run has finished, so nothing is compared or drawn\./);
});

test('divergence is drawn and told: crosses, hatched cells, bars and ranks', async () => {
  const page = await rendered(
    synthetic({
      ...small,
      strategies: [{ name: 'none' }, { name: 'global_norm', threshold: 'max_norm', values: [0.1, 10] }],
    }),
  );
  assertReport(page);
  const text = seen(page);
  assert.match(text, /× marks where seeds diverged/);
  assert.match(text, /\d\/6/);
  assert.match(text, /\+∞/);
  assert.match(
    text,
    /Left out, since the axis has no place for them: \d+ norms that are 0 and \d+ that are infinite or not a number/,
  );
});

test('a metric that only one of two tasks has is compared there, and the report says where not', async () => {
  const page = await rendered(synthetic({ ...small, tasks: ['row_mnist', 'adding'], strategies: one }));
  assertReport(page);
  assert.match(seen(page), /adding: task adding reports no metric called val_accuracy/);
});

const worked = (made: Synthetic) => declaredComparison(design(made.runs, made.manifest), made.manifest);

test('loss is lower-is-better, and `at: best` reads the best columns while diverged runs rank worst', () => {
  const made = synthetic({ ...small, strategies: one, diverging: false, compare: compare({ metric: 'val_loss' }) });
  const ours = worked(made)?.comparisons[0];
  const value = (strategy: string) => Number(made.runs.find((row) => row.strategy === strategy)?.final_val_loss);
  assert.equal(ours?.differences[0], value('none') - value('norm'));

  const diverging = synthetic({ ...small, strategies: one, compare: compare({ at: 'best' }) });
  const best = worked(diverging)?.comparisons[0];
  const lost = diverging.runs.filter((row) => row.strategy === 'none' && row.status === 'diverged').length;
  assert.ok(lost > 0 && diverging.runs.every((row) => row.best_val_metric !== ''));
  assert.equal(best?.differences.filter((difference) => difference === Infinity).length, lost);
});

test('the family is matched on columns of runs.csv, numbers as numbers, and says what it does not match', () => {
  const family = [{ strategy: 'norm', threshold: 1.0, learning_rate: 0.5 }, { strategy: 'agc' }];
  const declared = worked(synthetic({ ...small, rates: [0.05, 0.5], compare: compare({ family }) }));
  assert.equal(declared?.family, 1);
  assert.deepEqual(
    declared?.comparisons
      .filter((comparison) => comparison.declared)
      .map(({ member, setting }) => [member.name, setting.label]),
    [['norm 1', 'learning rate 0.5']],
  );
  assert.deepEqual(declared?.notes, ['The declared family names {"strategy":"agc"}, which no finished run matches.']);
  assert.ok(declared?.comparisons.every((comparison) => comparison.declared || comparison.verdict === 'descriptive'));
});

test('the family is matched on options and fields, from the CSV alone', () => {
  const models = [
    { name: 'rnn', options: { hidden: [64], init: 'glorot' } },
    { name: 'rnn', options: { hidden: [64], init: 'orthogonal' } },
    { name: 'mlp', options: { hidden: [32] } },
  ];
  const family = [
    { 'model.init': 'orthogonal', 'strategy.max_norm': 1, 'optimizer.momentum': 0.9, eval_every: 50 },
    { 'model.hidden': [32], learning_rate: 0.5, strategy: 'norm' },
    { 'model.hidden': 32 },
  ];
  const declared = worked(
    synthetic({ ...small, strategies: one, models, rates: [0.05, 0.5], compare: compare({ family }) }),
  );
  assert.deepEqual(
    declared?.comparisons.filter((comparison) => comparison.declared).map(({ setting }) => setting.label),
    [
      'rnn · init orthogonal · learning rate 0.05',
      'rnn · init orthogonal · learning rate 0.5',
      'mlp · no init · learning rate 0.5',
    ],
  );
  assert.deepEqual(declared?.notes, ['The declared family names {"model.hidden":32}, which no finished run matches.']);
});

test('settings of one task with another metric by its options are told apart, each in its own direction', async () => {
  const compared = compare({ metric: 'val_error' });
  const made = synthetic({ ...small, strategies: some, diverging: false, compare: compared });
  const options = '{"metric":"error"}';
  const errors = made.runs.map(
    (row): Row => ({
      ...row,
      cell_id: row.cell_id?.replace(/^./, 'x') ?? '',
      task_options: options,
    }),
  );
  const { row_mnist, ...others } = made.manifest.parts.tasks ?? {};
  assert.ok(row_mnist);
  const metrics = { ...row_mnist.metrics, [options]: { name: 'error', better: 'lower' as const } };
  const manifest = {
    ...made.manifest,
    parts: { ...made.manifest.parts, tasks: { ...others, row_mnist: { ...row_mnist, metrics } } },
  };
  const both = { ...made, manifest, runs: [...made.runs, ...errors] };
  const { settings } = design(both.runs, manifest);
  assert.deepEqual(
    settings.map(({ metric, group }) => [metric?.name, metric?.better, group]),
    [
      ['accuracy', 'higher', 'row_mnist · accuracy'],
      ['error', 'lower', 'row_mnist · error'],
    ],
  );
  const declared = worked(both);
  const value = (strategy: string) => Number(errors.find((row) => row.strategy === strategy)?.final_val_metric);
  assert.equal(declared?.comparisons[0]?.differences[0], value('none') - value('norm'));
  assert.match(declared?.notes.join() ?? '', /^no metric: task row_mnist reports no metric called val_error\.$/);
  const page = await rendered(both);
  assertReport(page);
  assert.match(seen(page), /row_mnist, error/);
});

test('pairs are runs with the same seed; a seed missing on one side is no pair', () => {
  const made = synthetic({ ...small, strategies: one });
  const runs = made.runs.filter((row) => !(row.strategy === 'none' && row.seed === '3')).reverse();
  const declared = worked({ ...made, runs });
  assert.deepEqual(declared?.pairs, { fewest: 5, most: 5 });
  assert.equal(declared?.comparisons[0]?.verdict, 'not possible');
});

test('a baseline with a choice of thresholds is no baseline', () => {
  const declared = worked(synthetic({ ...small, compare: compare({ baseline: 'norm' }) }));
  assert.equal(declared?.comparisons.length, 0);
  assert.match(declared?.notes[0] ?? '', /the baseline norm has 3 configurations, not one/);
});

test('a baseline that clips is drawn, shaded and counted like the others', async () => {
  const strategies = [
    { name: 'norm', threshold: 'max_norm', values: [0.1, 1] },
    { name: 'global_norm', threshold: 'max_norm', values: [1] },
  ];
  const page = await rendered(synthetic({ ...small, strategies, compare: compare({ baseline: 'global_norm' }) }));
  assertReport(page);
  const section = (id: string) => seen(page.slice(page.indexOf(`<section id="${id}"`)).split('</section>')[0] ?? '');
  for (const id of ['thresholds', 'clipping', 'norms']) {
    for (const { name } of strategies) assert.ok(section(id).includes(name), `${id}: ${name}`);
  }
  assert.match(section('comparison'), /Declared before running: every configuration against global_norm on/);
  assert.ok(section('thresholds').includes('global_norm 1'));
});

test('settings and configurations are named by what differs between them', () => {
  const row = (values: Record<string, string>): Row => ({
    model: 'rnn',
    learning_rate: '0.1',
    model_options: '{"hidden":[64]}',
    ...values,
  });
  const columns = ['model', 'model_options', 'learning_rate'];
  assert.deepEqual(varying([row({}), row({ learning_rate: '0.5' })], columns), [
    ['learning rate 0.1'],
    ['learning rate 0.5'],
  ]);
  // The hidden sizes follow from the model, so they don't help to tell the rows apart.
  const small = row({ model: 'mlp', model_options: '{"hidden":[8],"p":0.5}' });
  assert.deepEqual(varying([row({}), small], columns), [['rnn'], ['mlp']]);
  const large = row({ model: 'mlp', model_options: '{"hidden":[9]}' });
  assert.deepEqual(varying([row({}), small, large], columns), [
    ['rnn', 'hidden [64]'],
    ['mlp', 'hidden [8]'],
    ['mlp', 'hidden [9]'],
  ]);
  assert.deepEqual(varying([small, large], ['model_options'], ['hidden']), [[], []]);
  assert.deepEqual(varying([row({})], columns), [[]]);
  const chain =
    '[{"name":"value","options":{"clip_value":1}},{"name":"norm","options":{"max_norm":{"$number":"Infinity"}}}]';
  assert.deepEqual(
    [...fields(chain)],
    [
      ['clip_value', '1'],
      ['max_norm', 'Infinity'],
    ],
  );
  assert.deepEqual(
    [...fields('[{"name":"a","options":{"c":1}},{"name":"b","options":{"c":2}}]')],
    [
      ['a.c', '1'],
      ['b.c', '2'],
    ],
  );
});

test('a CSV that was cut off, has other columns or other words where numbers belong is named with its fault', async () => {
  const broken = synthetic({ ...small, strategies: one, seeds: [0] });
  const made = await writeSynthetic(join(folder, 'broken'), broken);
  // Without hashes it is the reader that has to notice.
  await writeFile(join(made, 'manifest.json'), JSON.stringify(broken.manifest));
  await appendFile(join(made, 'steps.csv'), 'abc,12,"3');
  await assert.rejects(
    writeReport(made),
    (error: Error) =>
      error instanceof Finding &&
      /steps\.csv:49: Value with unterminated quote found; the file was altered or cut off/.test(error.message),
  );
  await writeFile(join(made, 'steps.csv'), 'cell_id,step\n');
  await assert.rejects(writeReport(made), /steps\.csv:1: the columns are not those of this version: missing loss/);
  await rm(join(made, 'steps.csv'));
  await assert.rejects(
    writeReport(made),
    (error: Error) => error instanceof UsageError && /not found; run the experiment first/.test(error.message),
  );
  await assert.rejects(
    rendered({ ...full, runs: full.runs.map((row) => ({ ...row, seed: 'six' })) }),
    /column seed: "six" is not a number/,
  );
  await writeFile(join(made, 'manifest.json'), '{"question": 3}');
  await assert.rejects(writeReport(made), /not a manifest of this version/);
  await assert.rejects(writeReport(join(folder, 'nowhere')), UsageError);
});

test('too many runs to list are summed up by configuration', async () => {
  const made = synthetic({ ...small, seeds: Array.from({ length: 60 }, (_, seed) => seed) });
  const page = await rendered(made);
  assertReport(page);
  assert.match(seen(page), /600 runs are too many to list/);
  assert.match(seen(page), /The band holds the middle 80 %/);
});

test('numbers are written for reading, without a locale', () => {
  assert.deepEqual(
    [0, 0.5, 0.12345, 12345.6, 123456, 1e-7, -0.25, Infinity, -Infinity, Number.NaN].map((value) => significant(value)),
    ['0', '0.5', '0.123', '12346', '1.23e+5', '1e−7', '−0.25', '∞', '−∞', 'NaN'],
  );
  assert.deepEqual([whole(12), whole(1234567), whole(-1234)], ['12', '1\u202F234\u202F567', '−1\u202F234']);
  assert.deepEqual(
    [percent(0), percent(0.004), percent(0.5), percent(0.999), percent(1)],
    ['0\u202F%', '<1\u202F%', '50\u202F%', '>99\u202F%', '100\u202F%'],
  );
  assert.deepEqual([pValue(0.03125), pValue(1), pValue(0.00048828125)], ['0.031', '1', '4.9e−4']);
  const column = aligned([0.5, 0.0314, undefined, Infinity]);
  assert.deepEqual([column(0.5), column(0.0314), column(-0.1), column(Infinity)], ['0.500', '0.031', '−0.100', '∞']);
  assert.deepEqual(
    [
      signed(0.1, column),
      signed(-0.1, column),
      signed(0.0001, column),
      signed(-0.0001, column),
      signed(Infinity, column),
    ],
    ['+0.100', '−0.100', '0.000', '0.000', '+∞'],
  );
});

test('a row of small numbers keeps its digits beside large ones', () => {
  const rows = [
    [-12.2, -2870, -2.85],
    [-0.18, -0.28, -0.097],
    [20, 10, Infinity],
    [0, 0, 0],
  ];
  const formats = alignedRows(rows);
  const texts = rows.map((row, k) => row.map((value) => signed(value, formats[k])));
  assert.deepEqual(texts, [
    // From 3 to 3000: by themselves.
    ['−12.2', '−2870', '−2.85'],
    ['−0.180', '−0.280', '−0.097'],
    ['+20.0', '+10.0', '+∞'],
    ['0', '0', '0'],
  ]);
});

test('html escapes everything that is not html, in text and attributes', () => {
  assert.equal(
    html`<p title="${'"<>&\''}">${['a', html`<b>${'<'}</b>`, 3, undefined, false]}\u0000${'\u0000'}</p>`.html,
    '<p title="&quot;&lt;&gt;&amp;&#39;">a<b>&lt;</b>3\u0000\uFFFD</p>',
  );
  assert.equal(prose('the `a<b` of <c>').html, 'the <code>a&lt;b</code> of &lt;c&gt;');
});
