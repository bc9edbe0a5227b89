/** The report: results/<name>/ -> report.html. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { page } from './page.ts';
import { tellStory } from './story.ts';

/**
 * The report of a results folder as HTML text. The same results give the same bytes.
 *
 * @throws Finding when a CSV file isn't the one that was collected
 */
export async function renderReport(folder: string): Promise<string> {
  return page(await tellStory(folder));
}

/** Writes report.html into a results folder and returns its path. */
export async function writeReport(folder: string): Promise<string> {
  const text = await renderReport(folder);
  const path = join(folder, 'report.html');
  // Written beside and moved, so that a report is never half there.
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
  return path;
}

/** The figures of a report, each as an SVG file of its own, by name (figure-5-1): for papers and slides. */
export function figuresOf(report: string): Record<string, string> {
  const figures = report.matchAll(/<svg [^>]*aria-labelledby="(figure-\d+-\d+)-title[^"]*"[^>]*>[\s\S]*?<\/svg>/g);
  return Object.fromEntries([...figures].map(([svg, name = '']) => [name, `${onWhite(svg)}\n`]));
}

/** Readable on a dark page too. */
function onWhite(svg: string): string {
  return svg.replace('<svg ', '<svg style="background: #fff" ');
}
