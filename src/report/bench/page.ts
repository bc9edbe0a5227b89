/** The page of a measurement: opening, contents, sections. */

import { figures } from '../figure.ts';
import { count } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Script } from '../script.ts';
import type { Section } from '../sections/section.ts';
import { sheet, show } from '../sheet.ts';
import { answer } from './answer.ts';
import { surroundings } from './calibration.ts';
import type { Entry } from './entry.ts';
import { leadFigure } from './lead.ts';
import { beliefSection } from './sections/belief.ts';
import { growthSection } from './sections/growth.ts';
import { qualitySection } from './sections/quality.ts';
import { variantsSection } from './sections/variants.ts';
import type { BenchStory, Tell } from './story.ts';

/** In the order of the page. */
const all: readonly Tell[] = [growthSection, variantsSection, qualitySection, beliefSection];

/** What the page tells, in whichever format. */
export interface Told {
  story: BenchStory;
  lead: Html | undefined;
  sections: Section[];
  /** What the script of a page draws figures from. */
  sources: string[];
}

/** @param live whether a script will be there to draw figures anew */
export async function tellAll(story: BenchStory, live: boolean): Promise<Told> {
  const sources: string[] = [];
  const draw = figures(live ? { strategies: namesOf(story), sources } : undefined);
  const lead = await leadFigure(story, draw);
  const sections: Section[] = [];
  for (const tell of all) {
    const section = await tell(story, draw);
    if (section !== undefined) sections.push(section);
  }
  return { story, lead, sections, sources };
}

/** What can be highlighted: variants, by whatever distinguishes them. */
const namesOf = ({ groups }: BenchStory): string[] => [
  ...new Set(groups.flatMap(({ entries }) => entries.filter(isOwn).map(({ variant }) => variant))),
];

const isOwn = ({ role }: Entry): boolean => role === 'baseline' || role === 'variant';

export function page({ story, lead, sections, sources }: Told, script: Script): string {
  return sheet(
    {
      title: story.record.question,
      banner: false,
      opening: opening(story, lead),
      sections,
      origin: 'the CSV files of the measurement',
      strategies: namesOf(story),
      seeds: [],
      sources,
    },
    script,
  );
}

/** All that the page says, without what only a page needs: for other formats. */
export const contentOf = ({ story, lead, sections }: Told): Html => html`${opening(story, lead)}${sections.map(show)}`;

const opening = (story: BenchStory, lead: Html | undefined): Html => {
  const { record, groups } = story;
  const variants = groups.flatMap(({ entries }) => entries).filter(isOwn).length;
  return html`<p class="kicker">clipbench measurement · <code>${record.file}</code></p>
<h1>${record.question}</h1>
<p class="lead">${count(variants, 'variant')} in ${count(groups.length, 'group')}, measured in ${count(record.processes, 'process', 'processes')}${groups.length > 1 && ' each'}. ${surroundings(record)}</p>
${noisy(record.notes)}<div class="answer"><h2>Short answer</h2>${answer(story).map((sentence) => html`<p>${sentence}</p>`)}</div>${lead ?? ''}`;
};

/** Said before any figure. */
const noisy = (notes: readonly string[]): Html | false =>
  notes.length > 0 &&
  html`<p class="note"><strong>Before you read on.</strong> ${notes.map((note) => `${note.replace(/\.?$/, '.')} `)}</p>
`;
