/** Legends above panels, in as many rows as it takes. */
import { textWidth } from '../text-width.ts';

/** Height of a row of legend entries. */
const ROW = 14;
/** Symbol and gaps of an entry. */
const ENTRY = 36;

/** As many entries in a row as the panel's width takes. */
export function legendLayout(labels: readonly string[], width: number): { columns: number; rows: number } {
  const widths = labels.map((label) => textWidth(label, 11) + ENTRY);
  const total = widths.reduce((sum, entry) => sum + entry, 0);
  const columns = total <= width ? widths.length : Math.max(1, Math.floor(width / Math.max(...widths)));
  return { columns, rows: Math.ceil(widths.length / Math.max(1, columns)) };
}

/** A legend with fewer rows than its neighbours' (`rows`) stands further up, so that all plots of a row are level. */
export function legendOf(labels: readonly string[], width: number, rows: number): { columns: number; offset: number } {
  const own = legendLayout(labels, width);
  return { columns: own.columns, offset: 6 + (rows - own.rows) * ROW };
}
