/** Where two runs of one cell part. Pure. */
import { parse } from 'csv-parse/sync';
import { type Column, evalColumns, runColumns, signalColumns, stepColumns } from '../columns.ts';
import type { TextPart } from './store.ts';

type Text = Record<TextPart, Buffer>;

/** In words: the first step or tensor that differs, and what of it; undefined where all bytes are equal. */
export function firstDifference(stored: Text, again: Text): string | undefined {
  const link = differentLine(stored.chain, again.chain);
  if (link !== undefined) return inChain(link, stored, again);
  const sheets: [TextPart, Column[]][] = [
    ['steps', stepColumns],
    ['evals', evalColumns],
    ['signals', signalColumns],
    ['run', runColumns],
  ];
  for (const [part, columns] of sheets) {
    const line = differentLine(stored[part], again[part]);
    if (line !== undefined) return `${part}: ${inRow(line, columns)}`;
  }
  return stored.cell.equals(again.cell) ? undefined : 'the cell itself';
}

interface Line {
  stored: string;
  again: string;
}

function differentLine(stored: Buffer, again: Buffer): Line | undefined {
  if (stored.equals(again)) return undefined;
  const [a, b] = [stored, again].map((text) => text.toString().split('\n'));
  const index = a?.findIndex((line, i) => line !== b?.[i]) ?? -1;
  const at = index < 0 ? (a?.length ?? 0) : index;
  return { stored: a?.[at] ?? '', again: b?.[at] ?? '' };
}

/** Links: `step,hash` for the scalars of a step, `step,tensor,hash` for a tensor before it. */
function inChain(line: Line, stored: Text, again: Text): string {
  const [there, here] = [linkOf(line.stored), linkOf(line.again)];
  if (there === undefined) return `the stored run ends before step ${here?.step}`;
  if (here === undefined) return `this run ends before step ${there.step}`;
  if (there.tensor !== undefined) return `tensor ${there.tensor} before step ${there.step}`;
  const rows = [stored, again].map((text) => rowsOf(text.steps).find((row) => row[1] === there.step));
  const [a, b] = rows;
  const what = a && b ? differentFields(a, b, stepColumns) : '';
  return `step ${there.step}${what ? `: ${what}` : ' (in what is not logged)'}`;
}

function linkOf(line: string): { step: string; tensor?: string } | undefined {
  const [step, ...rest] = line.split(',');
  if (!step) return undefined;
  return rest.length === 2 && rest[0] !== undefined ? { step, tensor: rest[0] } : { step };
}

function inRow({ stored, again }: Line, columns: Column[]): string {
  const [a, b] = [rowsOf(stored)[0], rowsOf(again)[0]];
  if (a === undefined || b === undefined) return a === undefined ? 'a row more than stored' : 'a row less than stored';
  const step = columns[1]?.name === 'step' ? `step ${a[1]}: ` : '';
  return step + differentFields(a, b, columns);
}

/** `loss 0.5 stored, 0.25 now` */
function differentFields(stored: string[], again: string[], columns: Column[]): string {
  return columns
    .flatMap(({ name }, i) =>
      stored[i] === again[i] ? [] : [`${name} ${stored[i] || 'empty'} stored, ${again[i] || 'empty'} now`],
    )
    .join('; ');
}

function rowsOf(text: Buffer | string): string[][] {
  const rows: string[][] = parse(text);
  return rows;
}
