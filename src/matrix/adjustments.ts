/** What the command line changes of an experiment: values (`--set`) and its extent (`--smoke`). */

import { suggestion } from '../suggestion.ts';
import { type Cell, UsageError } from '../types.ts';
import { blockKeys } from './block.ts';
import { isRecord } from './choices.ts';
import { type Document, type Path, parseValue } from './document.ts';
import { shownWord } from './mistakes.ts';

export interface Adjustments {
  /** YAML text by key; it stands in the place of the file's own value, at the top and in every block. */
  set?: Record<string, string>;
  /** The first seed of every block and a few steps, to see that everything runs. */
  smoke?: boolean;
}

/** `steps=100` and the like, as given to `--set`. */
export function parseSet(texts: string[]): Record<string, string> {
  const set = new Map<string, string>();
  for (const text of texts) {
    const [, key = '', value] = /^\s*([^=]*?)\s*=(.*)$/s.exec(text) ?? [];
    if (key === '' || value === undefined) {
      throw new UsageError(`--set ${shownWord(text)}: sets nothing; write key=value, such as steps=100`);
    }
    const before = set.get(key);
    if (before !== undefined) {
      throw new UsageError(
        `${placeOf(key, value)}: ${key} is set already, to ${shownWord(before)}; keep one of the two`,
      );
    }
    set.set(key, value.trim());
  }
  return Object.fromEntries(set);
}

/** The document as if `set` had been written in it; what is wrong with a value is then found at the option. */
export function withSet(document: Document, set: Record<string, string>): Document {
  const placed = new Map(Object.entries(set).map(([key, text]) => [key, placeOf(key, text)]));
  for (const [key, place] of placed) {
    if (blockKeys.includes(key)) continue;
    throw new UsageError(
      `${place}: unknown key ${JSON.stringify(key)}${suggestion(key, blockKeys)} (known: ${blockKeys.join(', ')})`,
    );
  }
  const values = Object.entries(set).map(([key, text]) => [key, parseValue(text, placeOf(key, text))]);
  const kept = (block: unknown) =>
    isRecord(block) ? Object.fromEntries(Object.entries(block).filter(([key]) => !placed.has(key))) : block;
  const changed = (top: Record<string, unknown>) => ({
    ...top,
    ...Object.fromEntries(values),
    ...(Array.isArray(top.matrix) && { matrix: top.matrix.map(kept) }),
  });
  const placeIn = ([key]: Path) => placed.get(String(key));
  return {
    value: isRecord(document.value) ? changed(document.value) : document.value,
    where: (path) => placeIn(path) ?? document.where(path),
    whereKey: (path, key) => placeIn(path) ?? document.whereKey(path, key),
  };
}

function placeOf(key: string, text: string): string {
  return `--set ${shownWord(`${key}=${text.trim()}`)}`;
}

/** Most steps of a smoke run, and between its evaluations. */
const SMOKE_STEPS = 3;

/** What a smoke run does of the cells of one block. Cells that differed in their length become one, by their id. */
export function smokeCells(block: Cell[]): Cell[] {
  const seed = block[0]?.seed;
  return block
    .filter((cell) => cell.seed === seed)
    .map((cell) => ({
      ...cell,
      steps: Math.min(cell.steps, SMOKE_STEPS),
      eval_every: Math.min(cell.eval_every, SMOKE_STEPS),
      log_every: 1,
      phase: 'smoke',
    }));
}
