/** JSON Lines: an object on every line, with the same keys in each. */
import { UsageError } from '../types.ts';
import { shown, type Table } from './table.ts';

/**
 * @param file the name shown in messages
 * @throws UsageError with file:line for a line that isn't a JSON object, has other keys than the first, or holds a value
 * that isn't a number, a text, true or false, or of another kind than in the first
 */
export function readJsonLines(file: string, text: string): Table {
  const lines = text.split('\n').map((content, i) => ({ line: i + 1, content: content.trim() }));
  const objects = lines
    .filter(({ content }) => content !== '')
    .map(({ line, content }) => ({ line, object: objectOf(`${file}:${line}`, content) }));
  const [first] = objects;
  if (first === undefined) throw new UsageError(`${file}: is empty; give an object on every line`);
  const columns = [...first.object.keys()];
  if (columns.length < 2) {
    throw new UsageError(
      `${file}:${first.line}: has ${columns.length} keys; a task needs a target and something to learn from`,
    );
  }
  const rows = objects.map(({ line, object }) => {
    const place = `${file}:${line}`;
    const odd = [...object.keys()].find((key) => !columns.includes(key));
    if (odd !== undefined) {
      throw new UsageError(
        `${place}: has the key ${shown(odd)}, which line ${first.line} has not; give all lines the same`,
      );
    }
    const values = columns.map((column, i) => {
      const field = `${place}: field ${i + 1} (${column})`;
      const value = textOf(object, column, field);
      refuseOtherKind(first, column, object, field);
      return value;
    });
    return { line, values };
  });
  return { file, columns, rows };
}

/** 1 and "1" would be one class, or one number. */
function refuseOtherKind(first: Line, column: string, object: Line['object'], field: string): void {
  const [value, other] = [object.get(column), first.object.get(column)];
  if (typeof value === typeof other) return;
  throw new UsageError(
    `${field} is ${shown(value)}, and ${shown(other)} on line ${first.line}; give numbers, texts, or true and false on all lines`,
  );
}

interface Line {
  line: number;
  object: Map<string, unknown>;
}

function objectOf(place: string, content: string): Map<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new UsageError(`${place}: is no JSON (${error instanceof Error ? error.message : error}); mend the line`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    refuseLosses(place, content);
    return new Map(Object.entries(value));
  }
  throw new UsageError(`${place}: holds ${shown(value)}; give an object such as {"x": 1, "y": "a"}`);
}

const text = String.raw`"(?:[^"\\]|\\.)*"`;
const tokens = new RegExp(String.raw`(${text})(\s*:)?|-?\d[\d.eE+-]*`, 'g');

/** What JSON.parse reads otherwise than it is written: a key that comes again, and numbers that a double doesn't hold. */
function refuseLosses(place: string, content: string): void {
  const keys = new Set<unknown>();
  for (const [token, quoted, colon] of content.matchAll(tokens)) {
    if (quoted === undefined) {
      const value = Number(token);
      if (Number.isInteger(value) ? Number.isSafeInteger(value) || !/^-?\d+$/.test(token) : Number.isFinite(value))
        continue;
      throw new UsageError(`${place}: ${token} is more than a number can hold; write it as a text, or smaller`);
    }
    if (colon === undefined) continue;
    const key: unknown = JSON.parse(quoted);
    if (keys.has(key)) throw new UsageError(`${place}: has the key ${shown(key)} twice; remove one`);
    keys.add(key);
  }
}

function textOf(object: Map<string, unknown>, column: string, place: string): string {
  const value = object.get(column);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new UsageError(
    `${place} is ${shown(value)}; give a number, a text, true or false on every line, or leave the key out of all`,
  );
}
