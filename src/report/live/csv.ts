/** The numbers of a chart as CSV. */

/** For the drawing only. */
const left = ['color', 'rank', 'by_seed', 'shape', 'sign', 'stroke', 'dash', 'values', 'differences'];

/** Rows of all data sets that a specification holds, each once; columns in order of appearance. RFC 4180, with LF. */
export function csvOf(sources: readonly unknown[]): string {
  const rows = new Map<string, Record<string, unknown>>();
  for (const source of sources) {
    const values = isRecord(source) && Array.isArray(source.values) ? source.values : [];
    for (const datum of values) {
      if (!isRecord(datum)) continue;
      const kept = Object.fromEntries(Object.entries(datum).filter(([name]) => !left.includes(name)));
      rows.set(JSON.stringify(kept), kept);
    }
  }
  const columns = [...new Set([...rows.values()].flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...[...rows.values()].map((row) => columns.map((column) => row[column]))];
  return lines.map((line) => `${line.map(fieldOf).join(',')}\n`).join('');
}

function fieldOf(value: unknown): string {
  const text = value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
