import { csvFiles } from '../../columns.ts';
import type { Code, Manifest } from '../../manifest.ts';
import { table } from '../figure.ts';
import { count, list } from '../format.ts';
import { type Html, html, prose } from '../html.ts';
import type { Story } from '../story.ts';
import { words } from '../vary.ts';
import type { Section } from './section.ts';

export async function reproduceSection({ manifest, design, compares }: Story): Promise<Section> {
  const { experiment, finished } = manifest;
  const body = html`<p>The same experiment on the same fingerprint gives the same bytes in runs.csv, steps.csv, evals.csv and signals.csv, whatever the number of workers; another fingerprint may differ in the last bits. This report is made from the CSV files alone.</p>
${limits(manifest)}
<h3>Command</h3><pre><code>${manifest.command}</code></pre>
<h3>Experiment</h3><p><code>${experiment.file}</code>, sha256 <code>${experiment.sha256}</code>${manifest.compare_sha256 !== undefined && html`, declared comparison <code>${manifest.compare_sha256}</code>`}</p>${overrides(experiment.set)}<pre><code>${experiment.text}</code></pre>
<h3>Fingerprint <code>${manifest.fingerprint_id}</code></h3>${pairs(manifest.fingerprint)}
<h3>Code</h3>${pairs(codeNames(manifest.code))}${computedBy(manifest)}
<h3>Versions</h3>${pairs(manifest.versions)}
<h3>Machine</h3>${pairs(manifest.machine)}
<h3>Data</h3>${Object.keys(manifest.data).length === 0 ? html`<p>No file was read: the tasks generate their data from the seed.</p>` : pairs(manifest.data)}
<h3>When</h3><p>${manifest.started} to ${finished ?? '(unfinished)'} (UTC), ${count(manifest.jobs, 'worker')}.${finished === undefined && ' These are the results of an unfinished run: it was still going on or had been stopped when they were collected.'}</p>
<h3>What was ${compares ? 'compared' : 'run'}</h3>${partsList(manifest, design.strategies)}
<h3>Columns</h3>${csvFiles.map((file) => html`<details><summary><code>${file.file}</code>: ${file.rows}</summary>${table(`Columns of ${file.file}`, [{ title: 'Column' }, { title: 'Meaning' }], [{ heading: '', rows: file.columns.map((column) => [html`<code>${column.name}</code>`, prose(column.meaning)]) }])}</details>`)}`;
  return { id: 'reproduce', title: 'How to reproduce', body };
}

/** What no number on the page can say for itself. */
function limits({ tune, machine }: Manifest): Html {
  const rate =
    tune === undefined
      ? 'Learning rates and thresholds are those of the matrix: nothing was tuned, so a comparison also says whom its rate suits.'
      : `The ${list(tune.over.map(words))} of each strategy came out of a search with a budget and a range; another of either may choose otherwise.`;
  return html`<h3>Limits</h3><ul>
<li>One split into training, validation and test data for all seeds: they repeat the start and the order of the batches, not the sample of data.</li>
<li>${rate}</li>
<li>What is said holds for these tasks, models, optimizers and numbers of steps.</li>
<li>One machine (${String(machine.processor)}): times are its own, and another may round otherwise.</li>
</ul>`;
}

/** The file's text alone would give another experiment. */
const overrides = (set: Manifest['experiment']['set']): Html =>
  Object.keys(set).length === 0
    ? html``
    : html`<p>Set on the command line, in place of the file's own values:</p>${pairs(set, (key) => key)}<p>The file:</p>`;

const codeNames = ({ source, lockfile_sha256, commit, dirty }: Code): Record<string, string> => ({
  'source (src/)': source,
  'package-lock.json': lockfile_sha256 || 'not there',
  commit: commit ?? 'not a git checkout',
  ...(commit !== undefined && { 'uncommitted changes': dirty ?? 'none' }),
});

/** Nothing where this code alone computed: then it says all. */
function computedBy({ computed_by, code }: Manifest): Html {
  const versions = Object.entries(computed_by);
  if (versions.every(([source]) => source === code.source)) return html``;
  return html`<p class="note">The runs were computed by ${versions.length === 1 ? 'another version' : 'several versions'} of the code, told apart by the hash of their source:</p>${pairs(
    Object.fromEntries(versions.map(([source, runs]) => [source, count(runs, 'run')])),
  )}`;
}

const pairs = (record: Readonly<Record<string, string | number>>, name: (key: string) => string = words): Html =>
  html`<dl class="pairs">${Object.entries(record).map(([key, value]) => html`<dt>${name(key)}</dt><dd><code>${value}</code></dd>`)}</dl>`;

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
