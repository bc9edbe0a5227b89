import { textWidth } from '../text-width.ts';

export interface Label {
  /** Pixels from the left and top edge of the panel. */
  x: number;
  y: number;
  text: string;
}

const FONT = 10;
const LINE = 11;

/**
 * Moves labels (drawn to the right of their point, vertically centred) until none covers another and all are inside the
 * panel: each in turn takes the free place nearest to its own. Where there is no free place it is left out.
 */
export function placeLabels(labels: readonly Label[], width: number, height: number): Label[] {
  const placed: Label[] = [];
  const covers = (a: Label, b: Label) =>
    Math.abs(a.y - b.y) < LINE && a.x < b.x + textWidth(b.text, FONT) && b.x < a.x + textWidth(a.text, FONT);
  for (const label of labels) {
    const x = Math.max(0, Math.min(label.x, width - textWidth(label.text, FONT)));
    const free = places(label.y, height)
      .map((y) => ({ ...label, x, y }))
      .find((candidate) => !placed.some((other) => covers(candidate, other)));
    if (free !== undefined) placed.push(free);
  }
  return placed;
}

/** Heights to try, nearest first. */
function places(y: number, height: number): number[] {
  const home = Math.max(LINE / 2, Math.min(y, height - LINE / 2));
  const offsets = Array.from(
    { length: 2 * Math.ceil(height / LINE) },
    (_, i) => Math.ceil(i / 2) * LINE * (i % 2 === 0 ? 1 : -1),
  );
  return offsets.map((offset) => home + offset).filter((place) => place >= LINE / 2 && place <= height - LINE / 2);
}
