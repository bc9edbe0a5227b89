/** What all charts share: fonts, axes, and panels set side by side. */
import type { TopLevelSpec } from 'vega-lite';
import { color } from '../palette.ts';

/** A chart without its data: what stands in a `concat`. */
export type Panel = Extract<TopLevelSpec, { concat: unknown }>['concat'][number];
export type Layer = Extract<Panel, { layer: unknown }>['layer'][number];

const axis = {
  labelColor: color('muted'),
  titleColor: color('muted'),
  domainColor: color('grid'),
  tickColor: color('grid'),
  gridColor: color('grid'),
  labelFontSize: 11,
  titleFontSize: 11,
  titleFontWeight: 'normal' as const,
  titlePadding: 8,
  labelPadding: 4,
  tickSize: 4,
  // Names are cut by `short`, with a width that is known; vega would cut by its own estimate.
  labelLimit: 0,
};

/** Panels in rows of `columns`, every one with scales and legend of its own. */
export function sideBySide(panels: Panel[], columns: number): TopLevelSpec {
  return {
    background: 'transparent',
    padding: 2,
    concat: panels,
    columns,
    spacing: { row: 26, column: 26 },
    resolve: { scale: { color: 'independent', strokeDash: 'independent' }, legend: { color: 'independent' } },
    config: {
      aria: false,
      font: 'sans-serif',
      view: { stroke: null },
      axis,
      title: {
        color: color('ink'),
        fontSize: 12,
        fontWeight: 600,
        anchor: 'start',
        offset: 6,
        subtitleColor: color('muted'),
        subtitleFontSize: 11,
      },
      legend: {
        orient: 'top',
        direction: 'horizontal',
        labelColor: color('ink'),
        labelFontSize: 11,
        labelLimit: 0,
        title: null,
        symbolType: 'stroke',
        symbolSize: 440,
        symbolStrokeWidth: 2,
        columnPadding: 12,
        offset: 4,
        padding: 0,
      },
    },
  };
}

/** Width of a panel so that a row of `columns` fills the page. */
export const panelWidth = (columns: number): number => (columns < 2 ? 620 : columns === 2 ? 448 : 282);

/** A label that fits: cut in the middle, where names differ least. */
export function short(label: string, characters: number): string {
  if (label.length <= characters) return label;
  const half = Math.floor((characters - 1) / 2);
  return `${label.slice(0, half)}…${label.slice(label.length - half)}`;
}

/** `short` for labels that name rows of one axis: two that are cut alike are numbered, so that they stay two rows. */
export function shortNames(labels: readonly string[], characters: number): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const label of new Set(labels)) {
    const parts = label.split(' · ').map((part) => short(part, characters));
    let name = parts.join(' · ');
    for (let n = 2; taken.has(name); n += 1) name = `${parts.join(' · ')} (${n})`;
    taken.add(name);
    names.set(label, name);
  }
  return names;
}
