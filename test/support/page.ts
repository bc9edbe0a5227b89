/** What a report's page shows, and what holds for every page. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** The text that a reader sees, without tags. */
export const seen = (page: string): string =>
  page
    .replaceAll(/<(style|desc|title|script)[^>]*>.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');

/** Every element that is opened is closed, in order: what a browser shows is what was written. */
function assertWellFormed(page: string): void {
  const stack: string[] = [];
  for (const [, slash, name = '', closed] of page.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (slash === '/') assert.equal(stack.pop(), name);
    else if (closed !== '/' && !['meta', 'link'].includes(name)) stack.push(name);
  }
  assert.deepEqual(stack, []);
}

/** Of a report without tuning; `across` comes with several settings. */
export const sections = ['comparison', 'curves', 'thresholds', 'clipping', 'norms', 'divergence', 'runs', 'reproduce'];
/** Of a report with nothing to compare. */
export const listing = ['runs', 'reproduce'];

/** One script runs, the one that the page's policy names by its hash; all else is data, which can't close its element early. */
function assertScripts(page: string): void {
  const scripts = [...page.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
  const running = scripts.filter(([, attributes = '']) => !/ type="(text\/plain|application\/json)"/.test(attributes));
  assert.equal(running.length, 1);
  const hash = createHash('sha256')
    .update(running[0]?.[2] ?? '')
    .digest('base64');
  assert.ok(
    page.includes(`default-src 'none'; script-src 'sha256-${hash}'; style-src`),
    'the policy lets the script run',
  );
  assert.doesNotMatch(page, / on[a-z]+=|javascript:/i);
  for (const [, attributes = '', text = ''] of scripts) {
    assert.doesNotMatch(attributes, /src=/);
    if (attributes !== '') assert.doesNotMatch(text, /</);
  }
}

export function assertReport(written: string, expected = sections): void {
  assertScripts(written);
  const page = written.replaceAll(/(<script[^>]*>).*?<\/script>/gs, '$1</script>');
  assertWellFormed(page);
  assert.deepEqual(
    [...page.matchAll(/<section id="([^"]+)"/g)]
      .map(([, id = '']) => id)
      .filter((id) => expected.includes(id) || id !== 'across'),
    expected,
  );
  for (const id of expected) assert.ok(page.includes(`href="#${id}"`), id);
  assert.ok(!/(?:src|href)="(?!#|data:)/.test(page), 'nothing is loaded');
  const svg = [...page.matchAll(/<svg.*?<\/svg>/gs)].map(([text]) => text);
  for (const text of svg) assert.ok(!/NaN|Infinity|undefined/.test(text.replaceAll(/<desc.*?<\/desc>/gs, '')));
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
  for (const [, target = ''] of page.matchAll(/(?:url\(#|href="#|aria-labelledby=")([^")\s]+)/g))
    assert.ok(ids.includes(target), target);
}

/** The heading, the first words and the list of settings: what a reader of a screenshot sees. */
export const head = (page: string): string => seen(page.slice(0, page.indexOf('<main>')));

const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };

// Narrow spaces inside numbers stay.
const plain = (part = '') =>
  Object.entries(entities).reduce((text, [entity, is]) => text.replaceAll(entity, is), part.replaceAll(/<[^>]*>/g, ''));
const all = (part: string, element: RegExp) => [...part.matchAll(element)].map(([, inner]) => plain(inner));

/** What a page says of its comparison: the words under the heading, the short answer, what the seeds allow, and the table of verdicts. */
export function said(page: string) {
  const [, answer = ''] = /<h2>Short answer<\/h2>(.*?)<\/div>/s.exec(page) ?? [];
  const [, change = ''] = /<h2>What would change it<\/h2>(.*?)<\/div>/s.exec(page) ?? [];
  const [, section = ''] = /<section id="comparison"(.*?)<\/section>/s.exec(page) ?? [];
  const groups = section.split('<tr class="group">').slice(1);
  return {
    overview: plain(/<p class="lead">(.*?)<\/p>/s.exec(page)?.[1]),
    answer: all(answer, /<p>(.*?)<\/p>/gs),
    changes: all(change, /<li>(.*?)<\/li>/gs),
    power: all(section, /<p class="note">(.*?)<\/p>/gs).find((note) => note.startsWith('With ')),
    table: groups.map((group) => ({
      heading: plain(/<th[^>]*>(.*?)<\/th>/s.exec(group)?.[1]),
      lines: [...group.slice(group.indexOf('</tr>')).matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, line = '']) =>
        all(line, /<t[hd][^>]*>(.*?)<\/t[hd]>/gs),
      ),
    })),
  };
}

/** What a section says: its text, the words for each of its pictures, and its tables by caption, headings of groups as lines of one cell. */
export function saidIn(page: string, id: string) {
  const [, section] = new RegExp(`<section id="${id}"(.*?)</section>`, 's').exec(page) ?? [];
  if (section === undefined) return undefined;
  const tables = [...section.matchAll(/<caption>(.*?)<\/caption>.*?<\/thead>(.*?)<\/table>/gs)];
  const lines = (body = '') =>
    [...body.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)].map(([, line = '']) => all(line, /<t[hd][^>]*>(.*?)<\/t[hd]>/gs));
  return {
    text: plain(section.replaceAll(/<(svg|script|table)[^>]*>.*?<\/\1>/gs, ' ')),
    pictures: all(section, /<desc[^>]*>(.*?)<\/desc>/gs),
    tables: Object.fromEntries(tables.map(([, caption = '', body]) => [plain(caption), lines(body)])),
  };
}
