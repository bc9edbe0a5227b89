/** index.html: all result sets below a folder at a glance. Pure. */
import { documentOf } from './document.ts';
import { table } from './figure.ts';
import { count, whole } from './format.ts';
import { type Html, html } from './html.ts';
import type { Shelved } from './shelf.ts';

/** Sentences and commands wrap, numbers and dates don't. */
const style = `
body{max-width:84rem}
#results tbody th,#results td:nth-child(2),#results td:nth-child(3),#results td:last-child{white-space:normal;overflow-wrap:anywhere}
#results tbody th{min-width:11rem}
#results td:nth-child(2){min-width:14rem}
#results td:nth-child(3){min-width:20rem}
#results td:last-child{min-width:8rem}
`;

const columns = [
  { title: 'Results' },
  { title: 'Question' },
  { title: 'Answer' },
  { title: 'Completed / diverged / failed', numeric: true },
  { title: 'Finished (UTC)' },
  { title: 'Machine' },
];

export function shelfPage(folder: string, all: readonly Shelved[]): string {
  const title = `clipbench results in ${folder}`;
  const faults = all.filter(({ fault }) => fault !== undefined).length;
  const told = `${count(all.length, 'result set')}, by name${faults > 0 ? `; ${whole(faults)} of them can't be read, for the reason given` : ''}. The answer is how each report's short answer begins.`;
  const body = html`<header>
<p class="kicker">clipbench results</p>
<h1>Results in <code>${folder}</code></h1>
<p class="lead">${all.length === 0 ? 'No folder below this one holds a manifest.json: nothing has run yet.' : told}</p>
</header>
<main id="results">
${all.length > 0 && table('Result sets', columns, [{ heading: '', rows: all.map(row) }])}</main>
<footer><p>Made by <code>clipbench report --index ${shellWord(folder)}</code>, which writes it anew. No script, no network.</p></footer>
`;
  return documentOf({ title, style, body });
}

const row = (one: Shelved): (string | Html)[] => {
  const { manifest, measurement, outcome, answer, fault } = one;
  const started = manifest ?? measurement;
  return [
    nameOf(one),
    started?.question ?? '–',
    fault === undefined ? (answer ?? '') : html`<em>Can't be read:</em> ${fault}`,
    outcome === undefined ? '–' : [outcome.completed, outcome.diverged, outcome.failed].map(whole).join(' / '),
    started === undefined ? '–' : (started.finished?.slice(0, 16).replace('T', ' ') ?? 'unfinished'),
    manifest === undefined
      ? (measurement?.machine.cpu ?? '–')
      : html`${machine(manifest.fingerprint)} <code>${manifest.fingerprint_id.slice(0, 8)}</code>`,
  ];
};

/** A link to the report; where there is none, the command that writes it. */
function nameOf({ name, folder, hasReport, fault }: Shelved): Html {
  const address = name.split('/').map(encodeURIComponent).join('/');
  if (hasReport) return html`<a href="./${address}/report.html">${name}</a>`;
  return fault === undefined
    ? html`${name}<br />no report yet: <code>clipbench report ${shellWord(folder)}</code>`
    : html`${name}`;
}

/** What of the environment tells machines apart at a glance. */
const machine = (fingerprint: Readonly<Record<string, string | number>>): string =>
  ['backend', 'engine', 'cpu'].flatMap((key) => fingerprint[key] ?? []).join(' · ');

/** As a shell reads it back. */
const shellWord = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
