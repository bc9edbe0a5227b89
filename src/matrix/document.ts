/** A YAML file as plain values that remember where they stood, so that every mistake can be shown with line and column. */
import { readFileSync } from 'node:fs';
import YAML from 'yaml';
import { UsageError } from '../types.ts';

/** Keys and indices from the top to a value. */
export type Path = (string | number)[];

export interface Document {
  value: unknown;
  /** `file:line:column` of the value at this path, or of the nearest thing around it that exists. */
  where(path: Path): string;
  /** The same, of the key itself. */
  whereKey(path: Path, key: string): string;
}

/** An experiment file's text. @throws UsageError when it can't be read, or isn't UTF-8 */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new UsageError(
      `${file}: can't be read (${reason}); give the path of an experiment, such as experiments/quickstart.yaml`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${file}: is not UTF-8 text; save it as UTF-8`);
  }
}

/**
 * @param file the name shown in messages
 * @throws UsageError one line per mistake: syntax, duplicate keys, unknown tags, too many aliases
 */
export function parseDocument(text: string, file: string): Document {
  return read(text, (line, column) => `${file}:${line}:${column}`);
}

/** The value of a piece of YAML that is not from a file; `place` opens its messages. */
export function parseValue(text: string, place: string): unknown {
  return read(text, () => place).value;
}

function read(text: string, place: (line: number, column: number) => string): Document {
  const lines = new YAML.LineCounter();
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    stringKeys: true,
    merge: false,
  } as const;
  const document = YAML.parseDocument(text, { ...options, schema: 'core' });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return place(line, col);
  };
  const mistakes = [...document.errors, ...document.warnings].map(({ pos, message }) => `${at(pos[0])}: ${message}`);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return {
    value: plain(document, at(0)),
    where: (path) => at(offsetOf(document, path)),
    whereKey: (path, key) => at(offsetOf(document, path, key)),
  };
}

/** Few aliases only: a short file can otherwise stand for more values than fit into memory. */
function plain(document: YAML.Document, start: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`${start}: ${error instanceof Error ? error.message : error}; write the values out`);
  }
}

function offsetOf(document: YAML.Document, path: Path, key?: string): number {
  let node: unknown = document.contents;
  let offset = YAML.isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [depth, step] of [...path, ...(key === undefined ? [] : [key])].entries()) {
    if (YAML.isAlias(node)) node = node.resolve(document);
    if (YAML.isMap(node)) {
      const pair = node.items.find((item) => YAML.isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) return offset;
      const shown = depth === path.length ? pair.key : (pair.value ?? pair.key);
      offset = YAML.isNode(shown) ? (shown.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (YAML.isSeq(node)) {
      const item = node.items[Number(step)];
      if (!YAML.isNode(item)) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}
