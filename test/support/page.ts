/** What a report's page shows, and what holds for every page. */
import assert from 'node:assert/strict';

/** The text that a reader sees, without tags. */
export const seen = (page: string): string =>
  page
    .replaceAll(/<(style|desc|title)[^>]*>.*?<\/\1>/gs, '')
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

const sections = ['comparison', 'curves', 'thresholds', 'clipping', 'norms', 'divergence', 'runs', 'reproduce'];
/** Of a report with nothing to compare. */
export const listing = ['runs', 'reproduce'];

export function assertReport(page: string, expected = sections): void {
  assertWellFormed(page);
  assert.deepEqual(
    [...page.matchAll(/<section id="([^"]+)"/g)].map((match) => match[1]),
    expected,
  );
  for (const id of expected) assert.ok(page.includes(`href="#${id}"`), id);
  assert.ok(!/<script/i.test(page), 'no script');
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
