/** The whole report: opening, contents, sections. */
import { answer } from './answer.ts';
import { leadFigure } from './effects-figure.ts';
import { figures } from './figure.ts';
import { type Html, html } from './html.ts';
import { overview } from './overview.ts';
import type { Script } from './script.ts';
import { acrossSection } from './sections/across.ts';
import { clippingSection } from './sections/clipping.ts';
import { comparisonSection } from './sections/comparison.ts';
import { curvesSection } from './sections/curves.ts';
import { divergenceSection } from './sections/divergence.ts';
import { normsSection } from './sections/norms.ts';
import { ratesSection } from './sections/rates.ts';
import { reproduceSection } from './sections/reproduce.ts';
import { runsSection } from './sections/runs.ts';
import type { Section, Tell } from './sections/section.ts';
import { targetsSection } from './sections/targets.ts';
import { thresholdsSection } from './sections/thresholds.ts';
import { tuningSection } from './sections/tuning.ts';
import { sheet, show } from './sheet.ts';
import { smokeBanner } from './smoke.ts';
import type { Story } from './story.ts';
import { wouldChange } from './would-change.ts';

/** In the order of the page. */
const comparing: readonly Tell[] = [
  comparisonSection,
  tuningSection,
  curvesSection,
  thresholdsSection,
  ratesSection,
  clippingSection,
  normsSection,
  divergenceSection,
  targetsSection,
  acrossSection,
];
const listing: readonly Tell[] = [runsSection, reproduceSection];

/** What the report tells, in whichever format. */
export interface Told {
  story: Story;
  /** The chart that carries the answer. */
  lead: Html | undefined;
  sections: Section[];
  /** What the script of a page draws figures from. */
  sources: string[];
}

/** @param live whether a script will be there to draw figures anew */
export async function tellAll(story: Story, live = false): Promise<Told> {
  const sources: string[] = [];
  const draw = figures(live ? { strategies: story.design.strategies, sources } : undefined);
  const lead = await leadFigure(story, draw);
  const sections: Section[] = [];
  for (const tell of story.compares ? [...comparing, ...listing] : listing) {
    const section = await tell(story, draw);
    if (section !== undefined) sections.push(section);
  }
  return { story, lead, sections, sources };
}

export function page({ story, lead, sections, sources }: Told, script: Script): string {
  const { design, evals, smoke, manifest } = story;
  const seeds = [...new Set(design.runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  return sheet(
    {
      title: `${smoke ? 'SMOKE TEST: ' : ''}${manifest.question}`,
      banner: banner(story),
      opening: opening(story, lead),
      sections,
      origin: 'the CSV files of the run',
      strategies: design.strategies,
      seeds: evals.tracks.size === 0 ? [] : seeds.map(String),
      sources,
    },
    script,
  );
}

/** All that the page says, without what only a page needs: for other formats. */
export const contentOf = ({ story, lead, sections }: Told): Html =>
  html`${banner(story)}${opening(story, lead)}${sections.map(show)}`;

const banner = (story: Story): Html | false => story.smoke && smokeBanner(story);

const opening = (
  story: Story,
  lead: Html | undefined,
): Html => html`<p class="kicker">clipbench report · <code>${story.manifest.experiment.file}</code></p>
<h1>${story.manifest.question}</h1>
<p class="lead">${overview(story)}</p>
${story.manifest.finished === undefined && unfinished}<div class="answer"><h2>Short answer</h2>${answer(story).map((sentence) => html`<p>${sentence}</p>`)}</div>${lead ?? ''}${changes(story)}`;

const changes = (story: Story): Html => {
  const sentences = wouldChange(story);
  return sentences.length === 0
    ? html``
    : html`<div class="answer"><h2>What would change it</h2><ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul></div>`;
};

const unfinished = html`<p class="note"><strong>Unfinished.</strong> These are the results of an unfinished run, one that was still going on or had been stopped when they were collected. What is said below can change when it goes on.</p>
`;
