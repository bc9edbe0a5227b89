/** The comparison as text: for the README, and for the terminal. */
import type { Ratio, Row } from './comparison.ts';

export const systems = [
  'clipbench-compiled',
  'clipbench-compiled-k',
  'jax-jit',
  'jax-scan',
  'torch-compile',
  'torch-eager',
  'keras',
  'clipbench-eager',
  'tfjs-eager',
];

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const markdown = (header: string[], rows: string[][]) =>
  [header, header.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

/** Median ms per step, in the profile that is faster for each work and system. */
export function timesTable(rows: Row[]): string {
  const works = [...new Set(rows.map(({ work }) => work))];
  const present = systems.filter((system) => rows.some((row) => row.system === system));
  return markdown(
    ['ms per step', ...present.map((system) => `\`${system}\``)],
    works.map((work) => [
      `\`${work}\``,
      ...present.map((system) => {
        const own = rows.filter((row) => row.work === work && row.system === system);
        const [best] = own.sort((a, b) => a.median_ms - b.median_ms);
        if (best === undefined) return '';
        return `${number(best.median_ms)}${best.profile === '' || own.length < 2 ? '' : ` ${best.profile}`}`;
      }),
    ]),
  );
}

/** Times as fast as each peer, with interval and verdict. */
export function ratiosTable(ratios: Ratio[]): string {
  return markdown(
    ['work', 'against', 'times as fast', 'interval', 'verdict', 'set out for'],
    ratios.map(({ work, peer, estimate, low, high, verdict, factor, reached }) => [
      `\`${work}\``,
      `\`${peer}\``,
      number(estimate),
      `${number(low)} to ${number(high)}`,
      verdict,
      factor === undefined ? '' : `${factor}${reached ? '' : ' (missed)'}`,
    ]),
  );
}
