/** A comparison of two measurements, in words. Pure. */
import { percent, pValue, significant } from '../report/format.ts';
import { FACTOR, type Gate, type Judged, LEVEL } from './gate.ts';

const marks = { slower: '-', faster: '+', 'no change': '=', "can't tell": '?' };
const headings = ['', 'variant', 'before, ms', 'after, ms', 'ratio', '95 % interval', 'p', 'noise', 'verdict'];

/** For pull requests. */
export function gateMarkdown(gate: Gate): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const tables = groupsOf(gate).flatMap(({ group, judged }) => [
    `**${group}**`,
    '',
    line(headings),
    line(headings.map((heading, i) => (i > 1 && heading !== 'verdict' ? '--:' : '---'))),
    ...judged.map((one) => line(cellsOf(one))),
    '',
  ]);
  return [`**${summary(gate)}**`, '', ...bullets(gate.differences), ...tables, ...notes(gate), ''].join('\n');
}

/** For the terminal. */
export function gateText(gate: Gate): string {
  const rows = gate.judged.map(cellsOf);
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const tables = groupsOf(gate).flatMap(({ group, judged }) => [
    '',
    group,
    line(headings),
    ...judged.map((one) => line(cellsOf(one))),
  ]);
  return [...gate.differences, summary(gate), ...tables, '', ...notes(gate)].join('\n');
}

export function summary({ judged }: Gate): string {
  const n = (verdict: Judged['verdict']) => judged.filter((one) => one.verdict === verdict).length;
  const open = n("can't tell");
  return `${n('slower')} slower, ${n('faster')} faster, ${n('no change')} without a change${open > 0 ? `, ${open} that can't be told` : ''}`;
}

const groupsOf = ({ judged }: Gate) =>
  [...new Set(judged.map(({ group }) => group))].map((group) => ({
    group,
    judged: judged.filter((one) => one.group === group),
  }));

const cellsOf = ({ variant, before, after, ratio, p, noise, verdict }: Judged): string[] => [
  marks[verdict],
  variant,
  significant(before),
  significant(after),
  significant(ratio.estimate),
  Number.isFinite(ratio.high) && ratio.low > 0 ? `${significant(ratio.low)} to ${significant(ratio.high)}` : 'none',
  pValue(p),
  noise.toFixed(3),
  verdict,
];

function notes({ judged, twins, lacking }: Gate): string[] {
  const reasons = [...new Set(judged.flatMap(({ group, why }) => (why === undefined ? [] : [`${group}: ${why}.`])))];
  const rate =
    twins.pairs === 0
      ? ''
      : `, so that alike pairs are flagged in up to ${percent(twins.rate.high)} (95 % Wilson interval)`;
  return [
    ...reasons,
    `Slower or faster: by a factor of ${FACTOR} or more, exact Mann-Whitney p at most ${LEVEL} over processes, and the whole interval beyond the noise, all at once.`,
    `The same variant twice, through the same gate: ${twins.flagged} of ${twins.pairs} flagged${rate}.`,
    ...lacking,
  ];
}

const bullets = (lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [...lines.map((own) => `- ${own}`), ''];
