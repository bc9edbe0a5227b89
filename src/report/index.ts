/** The report: results/<name>/ -> report.html. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { page } from './page.ts';
import { checkUnaltered, readManifest, readRows } from './read.ts';
import { type Results, tellStory } from './story.ts';

export type { Row, Rows } from './row.ts';
export type { Results } from './story.ts';

/** The report as HTML text. The same results give the same bytes. */
export async function renderReport(results: Results): Promise<string> {
  return page(await tellStory(results));
}

/**
 * Reads a results folder, writes report.html into it and returns its path.
 *
 * @throws Finding when a CSV file isn't the one that was collected
 */
export async function writeReport(folder: string): Promise<string> {
  const manifest = await readManifest(folder);
  await checkUnaltered(folder, manifest);
  const text = await renderReport({
    manifest,
    runs: readRows(folder, 'runs.csv'),
    steps: readRows(folder, 'steps.csv'),
    evals: readRows(folder, 'evals.csv'),
    signals: readRows(folder, 'signals.csv'),
    failures: readRows(folder, 'failures.csv'),
  });
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
