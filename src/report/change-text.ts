/** What changed between two result sets, as Markdown: for a terminal, and for a pull request. */
import type { Change, Difference } from './change.ts';
import { LEVEL, MIN_SEEDS } from './comparison.ts';
import { count, pValue, signed, significant } from './format.ts';

export function changeText(a: string, b: string, change: Change): string {
  const { environment, code, onlyA, onlyB, shared, same, lost, comparisons, regressions } = change;
  const parts = [
    `# ${a} -> ${b}`,
    differencesText('Environment', environment),
    differencesText('Code', code),
    [
      `${count(shared, 'run')} in both, ${same} of them with the same bytes; ${onlyA.length} only in ${a}, ${onlyB.length} only in ${b}.`,
      ...lost.map(({ id, how, where }) => `- ${id} (${where}) completed in ${a} and ${how} in ${b}`),
    ].join('\n'),
    ...(comparisons.length === 0 ? [] : [comparisonsText(a, change)]),
    ...(comparisons.length === 0 && same < shared ? ['The metric is the same in all of them.'] : []),
    regressions.length === 0
      ? 'No regression.'
      : ['Regressions:', ...regressions.map((regression) => `- ${regression}`)].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

function differencesText(title: string, differences: Difference[]): string {
  if (differences.length === 0) return `${title}: the same.`;
  return table(
    [title, 'A', 'B'],
    differences.map(({ what, a, b }) => [what, shortened(a), shortened(b)]),
  );
}

/** Hashes and flags in full are in the manifests. */
const shortened = (value: string): string => (value.length > 40 ? `${value.slice(0, 37)}...` : value);

function comparisonsText(a: string, { comparisons }: Change): string {
  const rows = comparisons.map(
    ({ title, pairs, differences, shift, divergedBaseline, divergedMember, holm, verdict }) => [
      title,
      `${differences.filter((difference) => difference !== 0).length} of ${pairs}`,
      `${signed(shift.estimate)}`,
      `${significant(shift.low)} to ${significant(shift.high)}`,
      `${divergedBaseline} -> ${divergedMember}`,
      pValue(holm ?? 1),
      verdict,
    ],
  );
  const head = [
    'configurations that differ',
    'seeds',
    `better than ${a} by`,
    'interval',
    'diverged',
    'Holm p',
    'verdict',
  ];
  const undecidable = comparisons.some(({ verdict }) => verdict === 'not possible');
  const why = `Where a verdict is not possible, no data of so few seeds (${MIN_SEEDS} at least) could reach a p of ${LEVEL} after Holm.`;
  return `${table(head, rows)}${undecidable ? `\n\n${why}` : ''}`;
}

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
