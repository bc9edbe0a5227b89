/** Columns padded to their widest text, two spaces apart. */
export function table(header: string[], rows: string[][]): string {
  const widths = header.map((name, i) =>
    rows.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), name.length),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
