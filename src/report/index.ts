/** The report: results/<name>/ -> report.html, report.md, report.json or figures; and results/ -> index.html. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdown } from './markdown.ts';
import { contentOf, page, tellAll } from './page.ts';
import { script } from './script.ts';
import { shelved } from './shelf.ts';
import { shelfPage } from './shelf-page.ts';
import { readResults, tellStory } from './story.ts';
import { summarise } from './summary.ts';

export const formats = ['html', 'md', 'json', 'svg'] as const;
export type Format = (typeof formats)[number];

export interface Made {
  /** None where figures are all that was asked for. */
  text?: string;
  /** SVG by name. */
  figures: Record<string, string>;
}

/**
 * The report of a results folder in a format. The same results give the same bytes.
 *
 * @throws Finding when a CSV file isn't the one that was collected
 */
export async function makeReport(folder: string, format: Format): Promise<Made> {
  if (format === 'json') {
    return { text: `${JSON.stringify(summarise(await readResults(folder)), null, 2)}\n`, figures: {} };
  }
  const live = format === 'html';
  const told = await tellAll(await tellStory(folder), live);
  const text = live ? page(told, await script()) : format === 'md' ? markdown(contentOf(told)) : undefined;
  return { ...(text !== undefined && { text }), figures: figuresOf(contentOf(told).html) };
}

/** The report of a results folder as HTML text. @throws Finding when a CSV file isn't the one that was collected */
export async function renderReport(folder: string): Promise<string> {
  return page(await tellAll(await tellStory(folder), true), await script());
}

/** Writes report.html into a results folder and returns its path. */
export async function writeReport(folder: string): Promise<string> {
  return writeText(join(folder, 'report.html'), await renderReport(folder));
}

/** Writes index.html over the result sets below a folder. */
export async function writeIndex(folder: string): Promise<{ path: string; sets: number }> {
  const all = await shelved(folder);
  return { path: await writeText(join(folder, 'index.html'), shelfPage(folder, all)), sets: all.length };
}

/** Written beside and moved, so that it is never half there. */
export async function writeText(path: string, text: string): Promise<string> {
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
