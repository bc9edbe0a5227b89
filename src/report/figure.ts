/** Figures and tables as HTML: numbered, captioned, each in a box of its own that scrolls where it is too wide. */
import type { TopLevelSpec } from 'vega-lite';
import { type Html, html, trusted } from './html.ts';
import { interactive } from './interactive.ts';
import { renderSvg } from './svg.ts';

export interface Plot {
  /** Heading over the plot, where a figure has several. */
  heading?: string;
  spec: TopLevelSpec;
  /** The plot in words, for those who can't see it. */
  description: string;
}

export interface Figure {
  title: string;
  /** How to read it. */
  reading: string | Html;
  plots: Plot[];
  /** What the plots show, where the reader can choose something else. */
  metric?: string;
  /** The same of other metrics: on a page with a script only. */
  others?: { metric: string; plots: Plot[] }[];
}

/**
 * Renders figures in turn and numbers them. One for each page, since ids in it are made from the numbers.
 *
 * @param live where the page has a script that can draw the figures anew: names of the strategies, and where to put what it draws from
 */
export function figures(live?: {
  strategies: readonly string[];
  sources: string[];
}): (figure: Figure) => Promise<Html> {
  let last = 0;
  /** How much of it there is room for is known when the page is complete: see `withSources`. */
  const place = (spec: TopLevelSpec): Html => {
    if (live === undefined) return html``;
    const { spec: first, other } = interactive(spec, live.strategies);
    const all = [{ scale: '', spec: first }, ...(other === undefined ? [] : [other])];
    const written = all.map((own) => `<script type="text/plain" data-scale="${own.scale}">${own.spec}</script>`);
    live.sources.push(written.join(''));
    return trusted(`<!--live ${live.sources.length - 1}-->`);
  };
  return async ({ title, reading, plots, metric, others = [] }) => {
    last += 1;
    const id = `figure-${last}`;
    let drawn = 0;
    const boxOf = (plot: Plot, svg: string, isNarrow: boolean): Html => {
      const name = plot.heading === undefined ? title : `${title}: ${plot.heading}`;
      return html`<div class="${isNarrow ? 'plot narrow' : 'plot'}" data-id="${id}-${drawn}">${plot.heading !== undefined && html`<h3>${plot.heading}</h3>`}<div class="scroll" tabindex="0" role="group" aria-label="${name}">${trusted(svg)}</div>${place(plot.spec)}</div>`;
    };
    const first = await inTurn(plots, async (plot) => {
      drawn += 1;
      const name = plot.heading === undefined ? title : `${title}: ${plot.heading}`;
      const svg = await renderSvg(plot.spec, { id: `${id}-${drawn}`, title: name, description: plot.description });
      return boxOf(plot, svg, isNarrow(svg));
    });
    // Nobody sees these before the script draws them.
    const more = (live === undefined ? [] : others).map((other) => {
      const boxes = other.plots.map((plot) => {
        drawn += 1;
        return boxOf(
          plot,
          html`<svg width="0" height="0"><title>${title}, ${other.metric}</title><desc>${plot.description}</desc></svg>`
            .html,
          false,
        );
      });
      return html`<div class="metric" data-name="${other.metric}" hidden="">${boxes}</div>`;
    });
    const shown =
      more.length === 0 ? html`${first}` : html`<div class="metric" data-name="${metric}">${first}</div>${more}`;
    return html`<figure id="${id}"><figcaption><strong>Figure ${last}. ${title}.</strong> ${reading}</figcaption>${shown}</figure>
`;
  };
}

/** What a page may weigh, so that it can be sent around. */
const MOST_BYTES = 4_950_000;

/** The page with what its script draws from, in its places, as long as there is room. */
export function withSources(page: string, sources: readonly string[]): string {
  let size = Buffer.byteLength(page);
  return page.replaceAll(/<!--live (\d+)-->/g, (_, index: string) => {
    const source = sources[Number(index)] ?? '';
    if (size + source.length > MOST_BYTES)
      return '<p class="note">The page is as large as it may be: this figure stays as it is.</p>';
    size += source.length;
    return source;
  });
}

async function inTurn<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}

export interface TableColumn {
  title: string;
  /** Numbers stand on the right, with digits below each other. */
  numeric?: boolean;
}

/** Rows under a heading of their own; '' for none. */
export interface RowGroup {
  heading: string;
  rows: (string | Html)[][];
}

export function table(
  caption: string,
  columns: readonly TableColumn[],
  groups: readonly RowGroup[],
  tall = false,
): Html {
  const cell = (content: string | Html, index: number) => {
    const numeric = columns[index]?.numeric === true;
    return index === 0
      ? html`<th scope="row"${numeric && html` class="num"`}>${content}</th>`
      : html`<td${numeric && html` class="num"`}>${content}</td>`;
  };
  const body = groups.map(
    (group) =>
      html`<tbody>${group.heading !== '' && html`<tr class="group"><th scope="rowgroup" colspan="${columns.length}">${group.heading}</th></tr>`}${group.rows.map(
        (row) => html`<tr>${row.map(cell)}</tr>
`,
      )}</tbody>`,
  );
  return html`<div class="scroll${tall && ' tall'}" tabindex="0" role="group" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${columns.map((column) => html`<th scope="col"${column.numeric === true && html` class="num"`}>${column.title}</th>`)}</tr></thead>${body}</table></div>
`;
}

/** Narrower than what every other picture is scaled to on a narrow page: it keeps its size. */
const isNarrow = (svg: string): boolean => Number(/ width="([\d.]+)"/.exec(svg)?.[1] ?? Infinity) < 46 * 16;
