/** A list is an axis, everywhere: these turn one written value into its alternatives and combine axes. */
import { canonical } from '../canonical.ts';
import type { Path } from './document.ts';
import type { Mistakes } from './mistakes.ts';

/** A value with the place where it was written. */
export interface Located<T> {
  value: T;
  path: Path;
}

/** The members of a list, or the one value. Empty lists and repeated members are mistakes. */
export function alternatives(value: unknown, path: Path, mistakes: Mistakes): Located<unknown>[] {
  if (!Array.isArray(value)) return textOf(value, path, mistakes) === undefined ? [] : [{ value, path }];
  if (value.length === 0) {
    mistakes.at(path, `${path.join('.')} is an empty list, so nothing would run; give it at least one value`);
  }
  const seen = new Set<string>();
  return value.flatMap((member: unknown, i) => {
    const text = textOf(member, [...path, i], mistakes);
    if (text === undefined) return [];
    if (seen.has(text)) mistakes.at([...path, i], `${path.join('.')} holds ${text} twice; remove one`);
    seen.add(text);
    return [{ value: member, path: [...path, i] }];
  });
}

/** What identifies a value; what has no such text (2^60 as a number, a list that holds itself) is a mistake. */
function textOf(value: unknown, path: Path, mistakes: Mistakes): string | undefined {
  try {
    return canonical(value);
  } catch (error) {
    // The members of a mapping are looked at one by one later, where their own place is known.
    if (typeof value === 'object' && !Array.isArray(value)) return path.join('.');
    const reason = error instanceof RangeError && error.message.includes('stack') ? 'it holds itself' : error;
    mistakes.at(
      path,
      `${path.join('.')} can't be used: ${reason instanceof Error ? reason.message : reason}; write a plain value`,
    );
    return undefined;
  }
}

/** Above this a matrix is taken for a slip. */
export const MOST_CELLS = 1_000_000;

/** Every combination of one member of each axis; the last axis changes fastest. Too many are a mistake, and none. */
export function product<T>(axes: T[][], path: Path, mistakes: Mistakes): T[][] {
  const count = axes.reduce((n, axis) => n * axis.length, 1);
  if (count > MOST_CELLS) {
    mistakes.at(path, `${count} cells are more than ${MOST_CELLS}; split the matrix`);
    return [];
  }
  return axes.reduce<T[][]>((rows, axis) => rows.flatMap((row) => axis.map((member) => [...row, member])), [[]]);
}
