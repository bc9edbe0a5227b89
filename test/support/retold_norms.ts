/** Gradient norms, from every row of steps.csv. */

import { ascending } from './by_hand.ts';
import { type Row, rowsOf } from './compared.ts';
import type { Says, Study, Tried } from './study.ts';
import { grouped, shortened } from './written.ts';

/** Pictures of the norms over steps are not worked out; how they spread is. */
export function norms({ folder, rows, places }: Study): Says {
  const compared = new Set(rows.map(({ cell_id }) => cell_id));
  const steps = rowsOf(folder, 'steps.csv').filter(({ cell_id }) => compared.has(cell_id));
  const logged = steps.flatMap(({ grad_norm = '', clipped_norm = '' }) => [grad_norm, clipped_norm]);
  const numbers = logged.filter((text) => text !== '').map(Number);
  const zeros = numbers.filter((norm) => Number.isFinite(norm) && norm <= 0).length;
  const endless = numbers.filter((norm) => !Number.isFinite(norm)).length;
  const left =
    zeros + endless === 0
      ? 'Every recorded norm is finite and positive.'
      : `${grouped(zeros)} norms that are 0 and ${grouped(endless)} that are infinite or not a number.`;
  const byRun = new Map<string | undefined, Row[]>();
  for (const row of steps) byRun.set(row.cell_id, [...(byRun.get(row.cell_id) ?? []), row]);
  const spread = places.map(({ label, configs }) => {
    const each = configs.map((tried) => `${tried.name} median ${spreadWords(tried, byRun)}`);
    return `${label}: ${each.join('; ')}.`;
  });
  return { text: [left], pictures: [...places.map(() => undefined), spread.join(' ')], tables: {} };
}

const drawable = (text: string | undefined): boolean => Number.isFinite(Number(text)) && Number(text) > 0;

function spreadWords({ rows }: Tried, byRun: Map<string | undefined, Row[]>): string {
  const usable = rows
    .flatMap(({ cell_id }) => byRun.get(cell_id) ?? [])
    .filter(({ grad_norm, clipped_norm }) => drawable(grad_norm) && drawable(clipped_norm));
  const [before, after] = [usable.map((row) => row.grad_norm), usable.map((row) => row.clipped_norm)].map(typical);
  return `${before} before, ${after} after`;
}

/** The lower median, told as the middle of that twentieth of a power of ten in which it lies. */
function typical(norms: (string | undefined)[]): string {
  const sorted = ascending(norms.map(Number));
  const norm = Math.fround(sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN);
  return shortened(10 ** ((Math.floor(20 * Math.log10(norm)) + 0.5) / 20));
}
