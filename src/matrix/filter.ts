/** Conditions that choose cells of a matrix: `model=rnn,strategy=norm|value,task.length<=30`. */
import { type Described, isNameIn, namesIn, textOf, valueAt } from '../addresses.ts';
import { suggestion } from '../suggestion.ts';
import { type Cell, UsageError } from '../types.ts';
import { identityOf } from './identity.ts';
import { shown, shownWord } from './mistakes.ts';

interface Condition {
  text: string;
  /** A name of `addresses.ts`. */
  key: string;
  sign: string;
  values: string[];
}

/** What cells have under the key of a condition, by text. */
type Known = Map<string, unknown>;
type Test = (value: unknown) => boolean;
type Refuse = (message: string) => UsageError;

const orders = new Map<string, (value: number, bound: number) => boolean>([
  ['<', (value, bound) => value < bound],
  ['<=', (value, bound) => value <= bound],
  ['>', (value, bound) => value > bound],
  ['>=', (value, bound) => value >= bound],
]);

/**
 * The cells that meet every condition of all filters, in their order: `key=value`, `key=one|other`, `key!=value`, and `<`, `<=`, `>`,
 * `>=` for numbers. A list is written as JSON; a `cell_id` is met by its beginning.
 *
 * @throws UsageError in one line: for a slip, for a value that no cell has, and where no cell is left
 */
export function filterCells(cells: Map<string, Cell>, texts: string[]): Map<string, Cell> {
  if (texts.length === 0) return cells;
  const runs = [...cells].map(([cell_id, cell]) => ({ ...identityOf(cell), cell_id }));
  const met = texts.flatMap((text) => {
    const refuse: Refuse = (message) => new UsageError(`--filter ${shownWord(text)}: ${message}`);
    return conditionsOf(text, refuse).map((condition) => whichMeet(condition, runs, refuse));
  });
  const chosen = [...cells].filter((_, i) => met.every((meets) => meets[i]));
  if (chosen.length > 0) return new Map(chosen);
  const all = texts.map(shownWord).join(' --filter ');
  throw new UsageError(`--filter ${all}: no cell meets all of these conditions at once; leave one of them out`);
}

function conditionsOf(filter: string, refuse: Refuse): Condition[] {
  // The commas of a list don't count.
  return filter.split(/,(?![^[]*\])/).map((piece) => {
    const text = piece.trim();
    const [whole, ...tokens] = /^([^!<>=]*)(!=|<=|>=|=|<|>)([^!<>=]*)$/.exec(text) ?? [];
    const [key = '', sign = '', list = ''] = tokens.map((token) => token.trim());
    if (whole === undefined) {
      throw refuse(
        `${shown(text)} is no condition; write key=value, as in model=rnn,strategy!=none|value,threshold<=1`,
      );
    }
    return { text, key, sign, values: list.split('|').map((value) => value.trim()) };
  });
}

/** Whether each run meets a condition, which one of them has to. */
function whichMeet(condition: Condition, runs: Described[], refuse: Refuse): boolean[] {
  const { text, key, sign, values } = condition;
  if (!isNameIn(runs, key)) {
    const names = namesIn(runs);
    throw refuse(`unknown key ${shown(key)}${suggestion(key, names)} (known: ${names.join(', ')})`);
  }
  if (values.includes('')) {
    throw refuse(`${key} has an empty value; write ${key}${sign}value, and | between several values`);
  }
  const found = runs.map((run) => valueAt(run, key));
  const known: Known = new Map(found.flatMap((value) => (value === undefined ? [] : [[textOf(value), value]])));
  const meets = found.map(
    orders.has(sign) ? orderTest(condition, known, refuse) : equalityTest(condition, known, refuse),
  );
  if (!meets.includes(true)) throw noCellHas(text, values.join('|'), key, known, refuse);
  return meets;
}

function orderTest({ key, sign, values }: Condition, known: Known, refuse: Refuse): Test {
  if (known.size > 0 && !isNumeric(known)) {
    throw refuse(`${key} is not a number, which "${sign}" takes; write = or !=`);
  }
  if (values.length > 1) throw refuse(`"${sign}" takes one number, not ${shown(values.join('|'))}; give one`);
  refuseWords(key, values, refuse);
  const bound = Number(values[0]);
  return (value) => typeof value === 'number' && orders.get(sign)?.(value, bound) === true;
}

function equalityTest({ key, sign, values }: Condition, known: Known, refuse: Refuse): Test {
  if (isNumeric(known)) refuseWords(key, values, refuse);
  const oneOf = (some: string[]) => (key === 'cell_id' ? beginsWith(some, refuse) : equals(some));
  // A slip beside a right value would go unnoticed.
  const absent = values.find((value) => ![...known.values()].some(oneOf([value])));
  if (absent !== undefined) throw noCellHas(`${key}=${absent}`, absent, key, known, refuse);
  const isOne = oneOf(values);
  return sign === '=' ? isOne : (value) => !isOne(value);
}

/** Equality with one of some values, however their numbers and lists are written. */
function equals(values: string[]): Test {
  const texts = new Set(values.flatMap((value) => [value, plainText(value)]));
  return (value) => value !== undefined && texts.has(textOf(value));
}

function plainText(value: string): string {
  if (!Number.isNaN(Number(value))) return textOf(Number(value));
  try {
    return value.startsWith('[') ? textOf(JSON.parse(value)) : value;
  } catch {
    return value;
  }
}

function beginsWith(starts: string[], refuse: Refuse): Test {
  const slip = starts.find((start) => !/^[0-9a-f]{4,16}$/.test(start));
  if (slip !== undefined) throw refuse(`cell_id is ${shown(slip)}; give 4 to 16 hex digits, as plan shows them`);
  return (value) => starts.some((start) => String(value).startsWith(start));
}

function isNumeric(known: Known): boolean {
  return known.size > 0 && [...known.values()].every((value) => typeof value === 'number');
}

function refuseWords(key: string, values: string[], refuse: Refuse): void {
  const slip = values.find((value) => Number.isNaN(Number(value)));
  if (slip !== undefined) throw refuse(`${key} is ${shown(slip)}; give a number, such as 100 or 0.01`);
}

function noCellHas(condition: string, value: string, key: string, known: Known, refuse: Refuse): UsageError {
  const texts = [...known.keys()];
  const hint = isNumeric(known) || key === 'cell_id' ? '' : suggestion(value, texts);
  return refuse(`no cell has ${shownWord(condition)}${hint} (${listed(texts)})`);
}

/** Values listed in a message. */
const LISTED = 10;

function listed(values: string[]): string {
  if (values.length === 0) return 'there are none';
  const more = values.length > LISTED ? `, ... and ${values.length - LISTED} more` : '';
  return `there are: ${values.slice(0, LISTED).join(', ')}${more}`;
}
