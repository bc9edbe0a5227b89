import { csvFiles } from '../../columns.ts';
import { table } from '../figure.ts';
import { type Html, html, prose } from '../html.ts';
import type { Story } from '../story.ts';
import { words } from '../vary.ts';
import type { Section } from './section.ts';

export async function reproduceSection({ manifest, design }: Story): Promise<Section> {
  const { experiment } = manifest;
  const body = html`<p>The same experiment on the same fingerprint gives the same bytes in runs.csv, steps.csv, evals.csv and signals.csv, whatever the number of workers; another fingerprint may differ in the last bits. This report is made from the CSV files alone.</p>
<h3>Command</h3><pre><code>${manifest.command}</code></pre>
<h3>Experiment</h3><p><code>${experiment.file}</code>, sha256 <code>${experiment.sha256}</code>${manifest.compare_sha256 !== undefined && html`, declared comparison <code>${manifest.compare_sha256}</code>`}</p><pre><code>${experiment.text}</code></pre>
<h3>Fingerprint <code>${manifest.fingerprint_id}</code></h3>${pairs(manifest.fingerprint)}
<h3>Versions</h3>${pairs(manifest.versions)}
<h3>Data</h3>${Object.keys(manifest.data).length === 0 ? html`<p>No file was read: the tasks generate their data from the seed.</p>` : pairs(manifest.data)}
<h3>When</h3><p>${manifest.started} to ${manifest.finished} (UTC), ${manifest.jobs} ${manifest.jobs === 1 ? 'worker' : 'workers'}.</p>
<h3>What was compared</h3>${partsList(manifest, design.strategies)}
<h3>Columns</h3>${csvFiles.map((file) => html`<details><summary><code>${file.file}</code>: ${file.rows}</summary>${table(`Columns of ${file.file}`, [{ title: 'Column' }, { title: 'Meaning' }], [{ heading: '', rows: file.columns.map((column) => [html`<code>${column.name}</code>`, prose(column.meaning)]) }])}</details>`)}`;
  return { id: 'reproduce', title: 'How to reproduce', body };
}

const pairs = (record: Readonly<Record<string, string | number>>): Html =>
  html`<dl class="pairs">${Object.entries(record).map(([key, value]) => html`<dt>${words(key)}</dt><dd><code>${value}</code></dd>`)}</dl>`;

/** Strategies in the order of the matrix, then the other parts. A chain is described by its members. */
function partsList({ parts }: Story['manifest'], strategies: readonly string[]): Html {
  const own = Object.entries(parts.strategies ?? {});
  const listed = [...own].sort(([a], [b]) => rank(strategies, a) - rank(strategies, b));
  const kinds: [string, typeof own][] = [
    ['strategies', listed],
    ...Object.entries(parts)
      .filter(([kind]) => kind !== 'strategies')
      .map(([kind, named]): [string, typeof own] => [kind, Object.entries(named)]),
  ];
  const rows = kinds.map(([kind, named]) => ({
    heading: kind,
    rows: named.map(([name, part]) => [
      name,
      prose(part.summary),
      html`<code>${part.equation}</code>`,
      prose(part.reference),
    ]),
  }));
  return table(
    'Parts',
    ['Name', 'What it does', 'Equation', 'Reference'].map((title) => ({ title })),
    rows,
  );
}

const rank = (order: readonly string[], name: string): number =>
  order.includes(name) ? order.indexOf(name) : order.length;
