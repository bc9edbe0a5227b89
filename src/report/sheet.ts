/** What every page of results is laid out like: opening, contents, sections, and what its script needs to know. */
import { documentOf } from './document.ts';
import { withSources } from './figure.ts';
import { type Html, html, trusted } from './html.ts';
import type { Script } from './script.ts';
import type { Section } from './sections/section.ts';

export interface Sheet {
  title: string;
  banner: Html | false;
  opening: Html;
  sections: readonly Section[];
  /** What it was made from. */
  origin: string;
  /** What a reader can highlight, and leave out. */
  strategies: readonly string[];
  /** Whose curves can be shown alone. */
  seeds: readonly string[];
  /** What the script draws figures from. */
  sources: readonly string[];
}

export function sheet(
  { title, banner, opening, sections, origin, strategies, seeds, sources }: Sheet,
  script: Script,
): string {
  // `<` would end the script where a name held a closing tag.
  const choices = trusted(JSON.stringify({ strategies, seeds }).replaceAll('<', '\\u003c'));
  const body = html`${banner}<header>
${opening}
<nav aria-label="Contents"><ol>${sections.map((section) => html`<li><a href="#${section.id}">${section.title}</a></li>`)}</ol></nav>
</header>
<main>
${sections.map(show)}</main>
<footer><p>Made by clipbench from ${origin}. This file is the whole report: it loads nothing, and its script only draws the figures anew.</p></footer>
<script type="application/json" id="choices">${choices}</script>
`;
  return withSources(documentOf({ title, body, script }), sources);
}

export const show = (section: Section, index: number): Html =>
  html`<section id="${section.id}" aria-labelledby="${section.id}-title"><h2 id="${section.id}-title"><span class="number">${index + 1}</span> ${section.title}</h2>
${section.body}</section>
`;
