/** The page of a measurement: results/bench/<name>/ -> report.html, report.md, report.json or figures. */
import { type Format, figuresOf, type Made } from '../index.ts';
import { markdown } from '../markdown.ts';
import { script } from '../script.ts';
import { contentOf, page, tellAll } from './page.ts';
import { tellBench } from './story.ts';
import { summarise } from './summary.ts';

/**
 * The report of a measurement in a format. The same files give the same bytes.
 *
 * @param quality a folder with results of runs, to be joined with the times
 * @throws Finding where a CSV file isn't the one that was measured
 */
export async function makeBenchReport(folder: string, format: Format, quality?: string): Promise<Made> {
  const story = await tellBench(folder, quality);
  if (format === 'json') return { text: `${JSON.stringify(summarise(story), null, 2)}\n`, figures: {} };
  const live = format === 'html';
  const told = await tellAll(story, live);
  const text = live ? page(told, await script()) : format === 'md' ? markdown(contentOf(told)) : undefined;
  return { ...(text !== undefined && { text }), figures: figuresOf(contentOf(told).html) };
}
