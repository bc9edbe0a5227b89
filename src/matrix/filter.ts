/** Conditions that choose cells of a matrix: `model=rnn,strategy=norm|value,threshold<=1`. */
import { type Cell, UsageError } from '../types.ts';
import { identityOf } from './identity.ts';
import { shown, shownWord, suggestion } from './mistakes.ts';

/** What conditions are about: the columns that say which cell it is. */
interface Row extends ReturnType<typeof identityOf> {
  phase: string;
  cell_id: string;
}
type Key = keyof Row;

const kinds: Record<Key, 'name' | 'number' | 'id'> = {
  task: 'name',
  model: 'name',
  optimizer: 'name',
  learning_rate: 'number',
  strategy: 'name',
  threshold: 'number',
  batch_size: 'number',
  steps: 'number',
  numerics: 'name',
  seed: 'number',
  phase: 'name',
  cell_id: 'id',
};
const keys = Object.keys(kinds);
const isKey = (text: string): text is Key => keys.includes(text);

type Holds = (value: Row[Key]) => boolean;

interface Condition {
  text: string;
  key: Key;
  sign: string;
  values: string[];
  holds: Holds;
}

interface Filter {
  text: string;
  conditions: Condition[];
}

const orders = new Map<string, (value: number, bound: number) => boolean>([
  ['<', (value, bound) => value < bound],
  ['<=', (value, bound) => value <= bound],
  ['>', (value, bound) => value > bound],
  ['>=', (value, bound) => value >= bound],
]);

/**
 * Whether a cell meets every condition of `text`: `key=value`, `key=one|other`, `key!=value`, and `<`, `<=`, `>`, `>=`
 * for numbers. A `cell_id` is met by its beginning.
 *
 * @throws UsageError for a slip in it, in one line
 */
export function parseFilter(text: string): (cell_id: string, cell: Cell) => boolean {
  return meets(filterOf(text));
}

/** The cells that meet all of several filters, in their order. @throws UsageError when there are none */
export function filterCells(cells: Map<string, Cell>, texts: string[]): Map<string, Cell> {
  const filters = texts.map(filterOf);
  for (const filter of filters) refuseAbsent(cells, filter);
  const tests = filters.map(meets);
  const chosen = new Map([...cells].filter(([cell_id, cell]) => tests.every((test) => test(cell_id, cell))));
  if (chosen.size === 0 && filters.length > 0) throw nothingMeets(cells, filters);
  return chosen;
}

/** A slip beside a right value would go unnoticed: every value that is named has to occur. */
function refuseAbsent(cells: Map<string, Cell>, { text, conditions }: Filter): void {
  for (const { key, sign, values } of conditions) {
    if (orders.has(sign)) continue;
    const known = [...new Set([...cells].map(([cell_id, cell]) => rowOf(cell_id, cell)[key]))];
    const absent = values.find((value) => !known.some(isOneOf(key, [value], (message) => new UsageError(message))));
    if (absent !== undefined) throw noCellHas(text, `${key}=${absent}`, key, absent, known);
  }
}

function meets({ conditions }: Filter): (cell_id: string, cell: Cell) => boolean {
  return (cell_id, cell) => {
    const row = rowOf(cell_id, cell);
    return conditions.every(({ key, holds }) => holds(row[key]));
  };
}

function rowOf(cell_id: string, cell: Cell): Row {
  return { ...identityOf(cell), phase: cell.phase, cell_id };
}

function filterOf(text: string): Filter {
  const refuse = (message: string) => new UsageError(`--filter ${shownWord(text)}: ${message}`);
  return { text, conditions: text.split(',').map((condition) => conditionOf(condition.trim(), refuse)) };
}

function conditionOf(text: string, refuse: (message: string) => UsageError): Condition {
  const [whole, ...tokens] = /^([^!<>=]*)(!=|<=|>=|=|<|>)([^!<>=]*)$/.exec(text) ?? [];
  const [key = '', sign = '', list = ''] = tokens.map((token) => token.trim());
  if (whole === undefined) {
    throw refuse(`${shown(text)} is no condition; write key=value, as in model=rnn,strategy!=none|value,threshold<=1`);
  }
  if (!isKey(key)) throw refuse(`unknown key ${shown(key)}${suggestion(key, keys)} (known: ${keys.join(', ')})`);
  const values = list.split('|').map((value) => value.trim());
  if (values.includes('')) {
    throw refuse(`${key} has an empty value; write ${key}${sign}value, and | between several values`);
  }
  return { text, key, sign, values, holds: holdsOf(key, sign, values, refuse) };
}

function holdsOf(key: Key, sign: string, values: string[], refuse: (message: string) => UsageError): Holds {
  const order = orders.get(sign);
  if (order !== undefined) {
    if (kinds[key] !== 'number') throw refuse(`${key} is not a number, which "${sign}" takes; write = or !=`);
    const [bound = 0, ...others] = numbersOf(key, values, refuse);
    if (others.length > 0) throw refuse(`"${sign}" takes one number, not ${shown(values.join('|'))}; give one`);
    return (value) => typeof value === 'number' && order(value, bound);
  }
  const isOne = isOneOf(key, values, refuse);
  return sign === '!=' ? (value) => !isOne(value) : isOne;
}

function isOneOf(key: Key, values: string[], refuse: (message: string) => UsageError): Holds {
  if (kinds[key] === 'number') {
    const numbers = numbersOf(key, values, refuse);
    return (value) => typeof value === 'number' && numbers.includes(value);
  }
  if (kinds[key] === 'name') return (value) => values.includes(String(value));
  const slip = values.find((value) => !/^[0-9a-f]{4,16}$/.test(value));
  if (slip !== undefined) throw refuse(`${key} is ${shown(slip)}; give 4 to 16 hex digits, as plan shows them`);
  return (value) => values.some((start) => String(value).startsWith(start));
}

function numbersOf(key: Key, values: string[], refuse: (message: string) => UsageError): number[] {
  const slip = values.find((value) => Number.isNaN(Number(value)));
  if (slip !== undefined) throw refuse(`${key} is ${shown(slip)}; give a number, such as 100 or 0.01`);
  return values.map(Number);
}

/** Says which condition no cell meets, with what could have been written. */
function nothingMeets(cells: Map<string, Cell>, filters: Filter[]): UsageError {
  const rows = [...cells].map(([cell_id, cell]) => rowOf(cell_id, cell));
  for (const { text, conditions } of filters) {
    const barren = conditions.find(({ key, holds }) => !rows.some((row) => holds(row[key])));
    if (barren === undefined) continue;
    const { key, values } = barren;
    return noCellHas(text, barren.text, key, values.join('|'), [...new Set(rows.map((row) => row[key]))]);
  }
  const texts = filters.map(({ text }) => shownWord(text)).join(' --filter ');
  return new UsageError(`--filter ${texts}: no cell meets all of these conditions at once; leave one of them out`);
}

function noCellHas(filter: string, condition: string, key: Key, value: string, known: Row[Key][]): UsageError {
  const names = known.flatMap((one) => (one === undefined ? [] : [String(one)]));
  const hint = kinds[key] === 'name' ? suggestion(value, names) : '';
  return new UsageError(`--filter ${shownWord(filter)}: no cell has ${shownWord(condition)}${hint} (${listed(names)})`);
}

/** Values listed in a message. */
const LISTED = 10;

function listed(values: string[]): string {
  if (values.length === 0) return 'there are none';
  const more = values.length > LISTED ? `, ... and ${values.length - LISTED} more` : '';
  return `there are: ${values.slice(0, LISTED).join(', ')}${more}`;
}
