/** The order of rows of a table by what stands in a column. */

/** A number as the page writes it (`−1.2e−4`, `12 000`, `5/6`, `30 %`, `∞`), or undefined where the text begins with none. */
export function numberIn(text: string): number | undefined {
  const plain = text.replaceAll('\u2212', '-').replaceAll(/[\u202F\u00A0]/g, '');
  const infinite = /^([+-]?)∞/.exec(plain);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  const found = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?/.exec(plain)?.[0];
  return found === undefined ? undefined : Number(found);
}

/** For `sort`: by numbers where both have one, else by text; what has no value (`–` or nothing) is last either way. */
export function compareCells(a: string, b: string, descending: boolean): number {
  const [emptyA, emptyB] = [a, b].map((text) => text === '' || text === '–');
  if (emptyA || emptyB) return Number(emptyA) - Number(emptyB);
  const sign = descending ? -1 : 1;
  const [x, y] = [numberIn(a), numberIn(b)];
  if (x !== undefined && y !== undefined && x !== y) return x < y ? -sign : sign;
  if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
  return a < b ? -sign : a > b ? sign : 0;
}
