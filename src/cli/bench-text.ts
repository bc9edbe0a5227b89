/** What was measured, for the terminal. */

import type { Result } from '../bench/bench.ts';
import type { Rows, Value } from '../bench/rows.ts';
import type { Calibration } from '../bench_record.ts';
import { significant } from '../report/format.ts';
import { table } from './table.ts';

export function benchText({ record, rows }: Result): string {
  const { notes, calibrations, growths, confidence, processes, measure } = record;
  const groups = calibrations.map((calibration) => {
    const own = rows.filter(({ group }) => group === calibration.group);
    return [`\n${calibration.group}`, tableOf(own, measure), believable(calibration)].join('\n');
  });
  const grown = growths.map(({ variant, over, from, to, estimate, low, high }) => [
    variant,
    `${over} ${significant(from)} to ${significant(to)}`,
    significant(estimate),
    range(low, high),
  ]);
  return [
    ...notes.map((note) => `note: ${note}`),
    ...groups,
    ...(grown.length > 0 ? [`\n${table(['time grows as', 'over', 'exponent', 'interval'], grown)}`] : []),
    `\nIntervals are of ${significant(100 * confidence)} %, from ${processes} processes.`,
  ].join('\n');
}

const range = (low: number, high: number): string => `${significant(low)} to ${significant(high)}`;

/** Figures that some row has, each with its heading. */
const shown: [string, (row: Record<string, Value>) => string][] = [
  ['ms', (row) => number(row.ms)],
  ['interval', (row) => interval(row, 'ms')],
  ['ratio', (row) => number(row.ratio)],
  ['interval', (row) => interval(row, 'ratio')],
  ['verdict', (row) => String(row.verdict ?? '')],
  ['GB/s', (row) => number(row.gb_per_second)],
  ['of copying', (row) => (row.copy_share === undefined ? '' : `${number(100 * Number(row.copy_share))} %`)],
  ['steps/s', (row) => number(row.steps_per_second)],
  ['examples/s', (row) => number(row.examples_per_second)],
  ['kernels', (row) => number(row.kernels)],
  ['MB allocated', (row) => number(row.allocated_mb)],
  ['MB at most', (row) => number(row.peak_mb)],
];

const number = (value: Value): string => (value === undefined ? '' : significant(Number(value)));
const interval = (row: Record<string, Value>, name: string): string =>
  row[`${name}_low`] === undefined ? '' : range(Number(row[`${name}_low`]), Number(row[`${name}_high`]));

function tableOf(rows: Rows, measure: string): string {
  const cells = rows.map((row) => [String(row.variant), ...shown.map(([, text]) => text(row))]);
  const used = shown.map((_, i) => cells.some((row) => row[i + 1] !== ''));
  const kept = <T>(all: T[]) => all.filter((_, i) => i === 0 || used[i - 1]);
  return table(kept([measure, ...shown.map(([heading]) => heading)]), cells.map(kept));
}

/** How the same thing measured twice came out, which any other difference has to be held against. */
function believable({ again, itself }: Calibration): string {
  const twice = `${again.variant} measured twice: ratio ${significant(again.estimate)} (${range(again.low, again.high)})`;
  const share = (100 * (itself.noise - 1)).toFixed(1);
  return `${twice}; each against itself: ${itself.flagged} of ${itself.pairs} told apart, 95 % of them within ${share} %`;
}
