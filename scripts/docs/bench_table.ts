/** What `clipbench bench` measured last, as tables of the README. */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { type BenchRecord, benchRecordSchema } from '../../src/bench_record.ts';
import { significant } from '../../src/report/format.ts';

type Row = Record<string, string>;

/** Measurements whose growth is shown, by folder. */
const grown = ['clip_tensors'];

/** @param read a committed file's text */
export function benchTables(read: (file: string) => string): string {
  const rowsOf = (name: string): Row[] =>
    z.array(z.record(z.string(), z.string())).parse(parse(read(`results/bench/${name}/bench.csv`), { columns: true }));
  const recordOf = (name: string) => benchRecordSchema.parse(JSON.parse(read(`results/bench/${name}/bench.json`)));
  const records = { clip: recordOf('clip'), step: recordOf('step') };
  const growths = grown.map((name) => ({ name, record: recordOf(name) }));
  return [
    strategyTable(rowsOf('clip'), rowsOf('step')),
    `${machineText(records.clip)} ${loads(records)} ${believable([...Object.values(records), ...growths.map(({ record }) => record)])}`,
    ...(growths.length > 0 ? [growthTable(growths)] : []),
    '',
  ].join('\n\n');
}

function strategyTable(clip: readonly Row[], step: readonly Row[]): string {
  const names = [...new Set([...clip, ...step].filter(isVariant).map(({ strategy = '' }) => strategy))].sort();
  const models = [...new Set(step.map(({ model = '' }) => model).filter((model) => model !== ''))];
  const lines = names.map((name) => {
    const alone = clip.find((row) => row.strategy === name && isVariant(row));
    const steps = models.map((model) =>
      ratioText(step.find((row) => row.model === model && row.strategy === name && isVariant(row) && row.ratio !== '')),
    );
    const share = alone?.copy_share ? `${significant(100 * Number(alone.copy_share), 2)} %` : '';
    return [
      `\`${name}\``,
      alone?.ms ? significant(Number(alone.ms)) : '',
      share,
      alone?.gb_per_second ? significant(Number(alone.gb_per_second), 2) : '',
      alone?.kernels ?? '',
      ...steps,
    ];
  });
  const base = models.map((model) => step.find((row) => row.model === model && row.role === 'baseline'));
  const none = base.map((row) => `${significant(Number(row?.ms))} ms`);
  return markdown(
    ['strategy', '4M alone, ms', 'of copying', 'GB/s', 'kernels', ...models.map((model) => `\`${model}\` step, times`)],
    [
      ...lines.filter(([name]) => name !== '`none`'),
      ['`none`', ...(lines.find(([name]) => name === '`none`') ?? []).slice(1, 5), ...none],
    ],
  );
}

/** Role `again` is for judging the others by, `reference` is nobody's strategy. */
const isVariant = ({ role }: Row): boolean => role === 'variant' || role === 'baseline';

const ratioText = (row: Row | undefined): string =>
  row === undefined
    ? ''
    : `${ratio(row.ratio)} (${ratio(row.ratio_low)} to ${ratio(row.ratio_high)})${row.verdict === 'not told apart' ? ' ·' : ''}`;
const ratio = (text = ''): string => Number(text).toFixed(Number(text) < 10 ? 2 : 1);

const machineText = ({ machine, processes, confidence, versions }: BenchRecord): string =>
  `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB, Node ${versions.node}, TensorFlow ${versions.tensorflow}; ${processes} processes, intervals of ${significant(100 * confidence)} %; \`·\`: not told apart from \`none\`, by the noise of the group.`;

/** What else ran: above 1 after, or above 0 before, it was others. */
const loads = (records: Record<string, BenchRecord>): string =>
  `Load before and after: ${Object.entries(records)
    .map(
      ([name, { disturbance }]) =>
        `${name} ${disturbance.load_before.toFixed(2)} and ${disturbance.load_after.toFixed(2)}`,
    )
    .join(', ')} (1 is its own).`;

/** Every group's twins, which take turns like any other two. */
function believable(records: readonly BenchRecord[]): string {
  const all = records.flatMap(({ calibrations }) => calibrations);
  const pairs = all.reduce((sum, { itself }) => sum + itself.pairs, 0);
  const flagged = all.reduce((sum, { itself }) => sum + itself.flagged, 0);
  const apart = all.map(({ again }) => Math.max(again.estimate, 1 / again.estimate)).sort((a, b) => a - b);
  const median = apart[Math.floor(apart.length / 2)] ?? Number.NaN;
  return `Measured twice under two names, the same variant differs by ${((median - 1) * 100).toFixed(1)} % (median of ${apart.length} groups; at most ${(((apart.at(-1) ?? 1) - 1) * 100).toFixed(0)} %); held against itself, ${flagged} of ${pairs} variants came out as different.`;
}

function growthTable(all: readonly { name: string; record: BenchRecord }[]): string {
  const lines = all.flatMap(({ name, record }) =>
    record.growths
      .filter(({ variant }) => variant !== 'arithmetic')
      .map(({ variant, over, from, to, estimate, low, high }) => [
        `\`${name}\``,
        `\`${variant}\``,
        `${over} ${size(from)} to ${size(to)}`,
        `${estimate.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
      ]),
  );
  return markdown(['experiments/bench/', 'what', 'over', 'time ~ size^'], lines);
}

const size = (value: number): string => (value >= 1e5 ? `1e${Math.round(Math.log10(value))}` : String(value));

function markdown(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}
