/** A chart's specification -> SVG text. The only file that runs vega. */
import { Error as ErrorLevel, logger, parse, resetSVGDefIds, textMetrics, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { escapeText } from './html.ts';
import { textWidth } from './text-width.ts';

/** What a screen reader says instead of the picture. */
export interface Alternative {
  /** Unique in the page: the ids of title and description are made from it. */
  id: string;
  title: string;
  description: string;
}

/**
 * Same spec, same bytes: whatever was rendered before, whichever machine, time zone and fonts. So text is measured by
 * rule and not by a canvas, and the counter of clip ids starts over.
 */
export async function renderSvg(spec: TopLevelSpec, alternative: Alternative): Promise<string> {
  textMetrics.canvas(false);
  textMetrics.width = (item, line) => textWidth(line ?? '', item.fontSize ?? 11);
  resetSVGDefIds();
  const log = logger(ErrorLevel);
  const view = new View(parse(compile(spec, { logger: log }).spec), { renderer: 'none', logger: log });
  const svg = await view.toSVG();
  view.finalize();
  return accessible(svg, alternative);
}

/** Attributes that say nothing here: the image has one name, no mark of it is read out or clicked. */
const empty = [
  ' pointer-events="none"',
  ' aria-hidden="true"',
  ' opacity="1"',
  ' font-family="sans-serif"',
  ' class="background"',
];

/** One image with a name and a description, in place of vega's roles for hundreds of marks. */
function accessible(svg: string, { id, title, description }: Alternative): string {
  const open = svg.indexOf('>');
  const head = svg
    .slice(0, open)
    .replace(' class="marks"', ' font-family="sans-serif"')
    .replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', '');
  const name = `<title id="${id}-title">${escapeText(title)}</title><desc id="${id}-desc">${escapeText(description)}</desc>`;
  const marks = svg
    .slice(open + 1)
    .replaceAll(/ (?:role|aria-roledescription)="(?:graphics-[a-z]+|[a-z ]+ container)"/g, '')
    .replaceAll(/<path class="(?:fore|back)ground"[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*\/>/g, '')
    .replaceAll('clip-path="url(#clip', `clip-path="url(#${id}-clip`)
    .replaceAll('<clipPath id="clip', `<clipPath id="${id}-clip`);
  const lean = empty
    .reduce((text, attribute) => text.replaceAll(attribute, ''), marks)
    .replaceAll(/ (?:d|transform)="[^"<>]*"/g, tenths);
  return `${head} role="img" aria-labelledby="${id}-title ${id}-desc">${name}${lean}`;
}

/** Coordinates to a tenth of a pixel: a third less text, and no last bits that another libm could round otherwise. */
const tenths = (attribute: string): string =>
  attribute.replaceAll(/-?\d+\.\d{2,}(?:e-\d+)?/g, (written) => String(Math.round(10 * Number(written)) / 10 || 0));
