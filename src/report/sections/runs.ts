import { median } from '../../stats/quantile.ts';
import { type Config, design, type Setting, settingColumnsOf } from '../design.ts';
import { type TableColumn, table } from '../figure.ts';
import { aligned, count, significant, whole } from '../format.ts';
import { type Html, html } from '../html.ts';
import { number, type Row, text } from '../row.ts';
import type { Story } from '../story.ts';
import { words } from '../vary.ts';
import type { Section } from './section.ts';

/** Runs listed one by one; more are summarised by configuration. */
const LISTED = 400;

const results = [
  'diverged_at',
  'final_train_loss',
  'final_val_loss',
  'final_val_metric',
  'best_step',
  'best_val_metric',
  'final_test_metric',
  'best_test_metric',
  'area',
  'steps_to_target',
  'clipped_steps',
];

export async function runsSection(story: Story): Promise<Section> {
  const total = story.rows.length;
  const body =
    total === 0
      ? html`<p class="empty">No run has finished.</p>`
      : total <= LISTED
        ? html`<p>${count(total, 'finished run')}, in the order of the matrix. runs.csv holds every column in full precision.</p>${everyRun(story)}`
        : html`<p>${count(total, 'run')} are too many to list: each line sums up a configuration by medians over the seeds that completed. runs.csv holds every run.</p>${summary(story)}`;
  return { id: 'runs', title: 'Runs', body: html`${body}${failures(story.failures)}` };
}

/** Settings of every phase: what isn't compared is listed all the same. */
function listing({ rows, design: compared, manifest }: Story): { heading: string; setting: Setting }[] {
  const others = [...new Set(rows.map((row) => text(row, 'phase')))].filter((phase) => phase !== 'confirm');
  return [
    ...compared.settings.map((setting) => ({ heading: setting.label, setting })),
    ...others.flatMap((phase) =>
      design(rows, manifest, phase).settings.map((setting) => ({
        heading: `Phase ${phase}, not compared: ${setting.label}`,
        setting,
      })),
    ),
  ];
}

function everyRun(story: Story): Html {
  const { rows } = story;
  const listed = listing(story);
  const used = results
    .filter((column) => rows.some((row) => text(row, column) !== ''))
    .map((column) => ({ column, of: formatter(rows, column) }));
  const columnsOfSetting = settingColumnsOf(story.manifest);
  const configs = listed.flatMap(({ setting }) => setting.configs);
  const names = new Map(configs.flatMap((config) => config.runs.map((run) => [run.id, config.name])));
  const columns: TableColumn[] = [
    { title: 'Run' },
    { title: 'Configuration' },
    { title: 'Seed', numeric: true },
    { title: 'Status' },
    { title: 'Label' },
    ...used.map(({ column }) => ({ title: words(column), numeric: true })),
    { title: 'Parameters hash' },
  ];
  const cells = (row: Row) => [
    html`<code>${text(row, 'cell_id')}</code>`,
    names.get(text(row, 'cell_id')) ?? text(row, 'strategy'),
    text(row, 'seed'),
    text(row, 'status') === 'diverged' ? html`<strong>diverged</strong>` : text(row, 'status'),
    text(row, 'label'),
    ...used.map((format) => format.of(row)),
    html`<code>${text(row, 'params_hash')}</code>`,
  ];
  const groups = listed.map(({ heading, setting }) => ({
    heading,
    rows: rows.filter((row) => belongs(columnsOfSetting, row, setting)).map(cells),
  }));
  return table('Runs', columns, groups, true);
}

const belongs = (columns: readonly string[], row: Row, setting: Setting): boolean =>
  ['phase', ...columns].every((column) => text(row, column) === text(setting.row, column));

/** Columns that hold whole numbers. */
const counts = new Set(['diverged_at', 'best_step', 'steps_to_target', 'clipped_steps']);

/** Formats a column: its values below each other. */
function formatter(rows: readonly Row[], column: string): (row: Row) => string {
  const format = counts.has(column)
    ? whole
    : aligned(
        rows.map((row) => number(row, column)),
        4,
      );
  return (row) => {
    const found = number(row, column);
    return found === undefined ? '–' : format(found);
  };
}

function summary(story: Story): Html {
  const shown = [
    'final_train_loss',
    'final_val_loss',
    'final_val_metric',
    'best_val_metric',
    'final_test_metric',
    'clipped_steps',
  ];
  const columns: TableColumn[] = ['Strategy', 'Threshold', 'Runs', 'Diverged', ...shown.map(words)].map(
    (title, index) => ({ title, numeric: index > 0 }),
  );
  const cells = (config: Config) => [
    config.strategy,
    config.label,
    whole(config.runs.length),
    whole(config.runs.filter((run) => run.divergedAt !== undefined).length),
    ...shown.map((column) => {
      const values = config.runs
        .map((run) => number(run.row, column))
        .filter((found) => found !== undefined && !Number.isNaN(found));
      return values.length === 0 ? '–' : significant(median(values.map(Number)), 4);
    }),
  ];
  return table(
    'Runs, one line for each configuration',
    columns,
    listing(story).map(({ heading, setting }) => ({ heading, rows: setting.configs.map(cells) })),
    true,
  );
}

function failures(rows: readonly Row[]): Html {
  if (rows.length === 0) return html``;
  const cells = rows.map((row) => [
    html`<code>${text(row, 'cell_id')}</code>`,
    html`<strong>${text(row, 'status')}</strong>`,
    text(row, 'attempts'),
    html`<pre>${text(row, 'error')}</pre>`,
    html`<code>${text(row, 'log')}</code>`,
  ]);
  const columns = [
    { title: 'Run' },
    { title: 'Status' },
    { title: 'Attempts', numeric: true },
    { title: 'Error' },
    { title: 'Log' },
  ];
  return html`<h3>Failures</h3><p>${count(rows.length, 'run')} did not finish, because of an error or a process that died (<em>failed</em>), or since it took too long (<em>timeout</em>). ${rows.length === 1 ? 'It is' : 'They are'} missing from every figure and comparison; running the experiment again tries ${rows.length === 1 ? 'it' : 'them'} anew. The log, in the results folder, holds what the attempts printed.</p>${table('Failed runs', columns, [{ heading: '', rows: cells }])}`;
}
