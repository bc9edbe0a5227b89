/** Collects every mistake of a file, each as one line with its place, so that all can be mended at once. */
import type { z } from 'zod';
import { suggestion } from '../suggestion.ts';
import { UsageError } from '../types.ts';
import type { Document, Path } from './document.ts';

export interface Mistakes {
  at(path: Path, message: string): void;
  unknown(path: Path, what: string, name: string, known: string[], key?: string): void;
  /** What zod found in the options of `what`; `pathOf` says where an option's value stands. */
  issues(
    what: string,
    found: z.core.$ZodIssue[],
    options: unknown,
    path: Path,
    pathOf: (option: string) => Path,
    descriptions?: Record<string, string | undefined>,
  ): void;
  /** Computing is done in float32, where 1e39 is Infinity and 1e-50 is 0: such numbers would not mean what they say. */
  beyondFloat32(what: string, options: Record<string, unknown>, pathOf: (option: string) => Path): void;
  any(): boolean;
  /** @throws UsageError when there were any. */
  stop(): void;
}

export function mistakesIn(document: Document): Mistakes {
  const lines = new Set<string>();
  const mistakes: Mistakes = {
    at: (path, message) => lines.add(`${document.where(path)}: ${message}`),
    unknown(path, what, name, known, key) {
      const place = key === undefined ? document.where(path) : document.whereKey(path, key);
      const hint = suggestion(name, known);
      // A long list would hide the one that is meant.
      const list = hint !== '' && known.length > 20 ? '' : ` (known: ${known.join(', ')})`;
      lines.add(`${place}: unknown ${what} ${JSON.stringify(name)}${hint}${list}`);
    },
    issues(what, found, options, path, pathOf, descriptions = {}) {
      for (const issue of found) {
        const option = String(issue.path[0] ?? '');
        const value = valueAt(options, issue.path);
        if (issue.code === 'unrecognized_keys') {
          // Reported by the caller, who knows the options there are.
        } else if (issue.path.length === 0) {
          // The whole value is of the wrong kind, which the caller has said.
        } else if (value === undefined) {
          const meaning = descriptions[option];
          mistakes.at(path, `${what} needs ${issue.path.join('.')}${meaning === undefined ? '' : `: ${meaning}`}`);
        } else {
          const hint = listHint(issue);
          mistakes.at(pathOf(option), `${what}: ${issue.path.join('.')} is ${shown(value)}; ${issue.message}${hint}`);
        }
      }
    },
    beyondFloat32(what, options, pathOf) {
      for (const [option, value] of Object.entries(options)) {
        const outside =
          typeof value === 'number' &&
          (!Number.isFinite(Math.fround(value)) || (value !== 0 && Math.fround(value) === 0));
        if (outside)
          mistakes.at(pathOf(option), `${what}: ${option} is ${value}, which float32 can't hold; use 1e-45 to 3.4e38`);
      }
    },
    any: () => lines.size > 0,
    stop() {
      if (lines.size > 0) throw new UsageError([...lines].join('\n'));
    },
  };
  return mistakes;
}

/** A value in a message: one line, shortened. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A word of the command line in a message: one line, shortened. */
export function shownWord(text: string): string {
  const line = text.replaceAll(/\p{Cc}/gu, ' ');
  if (line.trim() === '') return '""';
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function listHint(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' && issue.expected === 'array'
    ? '; a list is an axis, so a value that is itself a list is nested: [[64]]'
    : '';
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

export function checkKeys(record: Record<string, unknown>, path: Path, known: string[], mistakes: Mistakes): void {
  for (const key of Object.keys(record)) if (!known.includes(key)) mistakes.unknown(path, 'key', key, known, key);
}
