/** The whole page: head, contents, sections. Nothing in it loads anything or runs a script. */
import { answer } from './answer.ts';
import { figures } from './figure.ts';
import { type Html, html, trusted } from './html.ts';
import { overview } from './overview.ts';
import { clippingSection } from './sections/clipping.ts';
import { comparisonSection } from './sections/comparison.ts';
import { curvesSection } from './sections/curves.ts';
import { divergenceSection } from './sections/divergence.ts';
import { normsSection } from './sections/norms.ts';
import { ratesSection } from './sections/rates.ts';
import { reproduceSection } from './sections/reproduce.ts';
import { runsSection } from './sections/runs.ts';
import type { Section, Tell } from './sections/section.ts';
import { thresholdsSection } from './sections/thresholds.ts';
import { smokeBanner } from './smoke.ts';
import type { Story } from './story.ts';
import { stylesheet } from './stylesheet.ts';

/** In the order of the page. */
const comparing: readonly Tell[] = [
  comparisonSection,
  curvesSection,
  thresholdsSection,
  ratesSection,
  clippingSection,
  normsSection,
  divergenceSection,
];
const listing: readonly Tell[] = [runsSection, reproduceSection];

export async function page(story: Story): Promise<string> {
  const draw = figures();
  const told: Section[] = [];
  for (const tell of story.compares ? [...comparing, ...listing] : listing) {
    const section = await tell(story, draw);
    if (section !== undefined) told.push(section);
  }
  const { question, experiment, finished } = story.manifest;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${story.smoke && 'SMOKE TEST: '}${question}</title>
<link rel="icon" href="data:,">
<style>${trusted(stylesheet())}</style>
</head>
<body>
${story.smoke && smokeBanner(story)}<header>
<p class="kicker">clipbench report · <code>${experiment.file}</code></p>
<h1>${question}</h1>
<p class="lead">${overview(story)}</p>
${finished === undefined && unfinished}<div class="answer"><h2>Short answer</h2>${answer(story).map((sentence) => html`<p>${sentence}</p>`)}</div>
<nav aria-label="Contents"><ol>${told.map((section) => html`<li><a href="#${section.id}">${section.title}</a></li>`)}</ol></nav>
</header>
<main>
${told.map(show)}</main>
<footer><p>Made by clipbench from the CSV files of the run. No script, no network: this file is the whole report.</p></footer>
</body>
</html>
`.html;
}

const unfinished = html`<p class="note"><strong>Unfinished.</strong> These are the results of an unfinished run, one that was still going on or had been stopped when they were collected. What is said below can change when it goes on.</p>
`;

const show = (section: Section, index: number): Html =>
  html`<section id="${section.id}" aria-labelledby="${section.id}-title"><h2 id="${section.id}-title"><span class="number">${index + 1}</span> ${section.title}</h2>
${section.body}</section>
`;
