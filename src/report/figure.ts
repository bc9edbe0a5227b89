/** Figures and tables as HTML: numbered, captioned, each in a box of its own that scrolls where it is too wide. */
import type { TopLevelSpec } from 'vega-lite';
import { type Html, html, trusted } from './html.ts';
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
}

/** Renders figures in turn and numbers them. One for each page, since ids in it are made from the numbers. */
export function figures(): (figure: Figure) => Promise<Html> {
  let last = 0;
  return async ({ title, reading, plots }) => {
    last += 1;
    const id = `figure-${last}`;
    const drawn: Html[] = [];
    for (const [index, plot] of plots.entries()) {
      const name = plot.heading === undefined ? title : `${title}: ${plot.heading}`;
      const svg = await renderSvg(plot.spec, { id: `${id}-${index + 1}`, title: name, description: plot.description });
      drawn.push(
        html`<div class="${isNarrow(svg) ? 'plot narrow' : 'plot'}">${plot.heading !== undefined && html`<h3>${plot.heading}</h3>`}<div class="scroll" tabindex="0" role="group" aria-label="${name}">${trusted(svg)}</div></div>`,
      );
    }
    return html`<figure id="${id}"><figcaption><strong>Figure ${last}. ${title}.</strong> ${reading}</figcaption>${drawn}</figure>
`;
  };
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
