/**
 * Names for what a run is, by which `--filter` and the family of a comparison mean runs. A column of runs.csv has its own name, an
 * option that of its part before it (`task.length`, `schedule.warmup`), any other field of a cell its own (`weight_decay`). Where
 * several members of a chain have an option, it is `strategy.value.semantics`.
 */
import { canonical, parseCanonical } from './canonical.ts';

/** What runs.csv says of a run before it has run: a line of it, or the same by column, with values in the place of text. */
export type Described = Readonly<Record<string, unknown>>;

const columns = [
  'task',
  'model',
  'optimizer',
  'learning_rate',
  'strategy',
  'threshold',
  'batch_size',
  'steps',
  'numerics',
  'seed',
  'phase',
  'trial',
  'cell_id',
];
const parts = ['task', 'model', 'optimizer', 'strategy'];

/** What a run has under a name; undefined where it has nothing. */
export function valueAt(run: Described, name: string): unknown {
  if (columns.includes(name)) return run[name] === '' ? undefined : run[name];
  const dot = name.indexOf('.');
  if (dot < 0) return settingsOf(run).get(name);
  return optionsAt(run, name.slice(0, dot)).get(name.slice(dot + 1));
}

/** Whether one of the runs can be meant by a name. A column can, also where it is empty in all. */
export function isNameIn(runs: Described[], name: string): boolean {
  return columns.includes(name) || runs.some((run) => valueAt(run, name) !== undefined);
}

/** Every name by which one of the runs can be meant. */
export function namesIn(runs: Described[]): string[] {
  const options = [...parts, 'schedule'].flatMap((part) =>
    runs.flatMap((run) => [...optionsAt(run, part).keys()].map((option) => `${part}.${option}`)),
  );
  return [...new Set([...columns, ...runs.flatMap((run) => [...settingsOf(run).keys()]), ...options])];
}

/** A value as it is compared: names and numbers as they are, lists as canonical JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : canonical(value);
}

/** Whether a run has these values under these names. */
export function isMeant(run: Described, entry: Record<string, unknown>): boolean {
  return Object.entries(entry).every(([name, wanted]) => {
    const value = valueAt(run, name);
    return value !== undefined && textOf(value) === textOf(wanted);
  });
}

/** Options by name: of a part, or of the members of a chain, which are told apart as in signals.csv. */
export function optionsOf(part: unknown): Map<string, unknown> {
  if (!Array.isArray(part)) return membersOf(part);
  const counts = new Map<string, number>();
  const options = part.flatMap((member: unknown) => {
    const { name, options } = Object.fromEntries(membersOf(member));
    const count = (counts.get(String(name)) ?? 0) + 1;
    counts.set(String(name), count);
    const owner = `${name}${count === 1 ? '' : count}`;
    return [...membersOf(options)].map(([option, value]) => ({ owner, option, value }));
  });
  const isShared = (option: string) => options.filter((one) => one.option === option).length > 1;
  return new Map(
    options.map(({ owner, option, value }) => [isShared(option) ? `${owner}.${option}` : option, value] as const),
  );
}

function optionsAt(run: Described, part: string): Map<string, unknown> {
  if (part === 'schedule') return membersOf(membersOf(read(run.cell_options)).get('schedule'), 'options');
  return parts.includes(part) ? optionsOf(read(run[`${part}_options`])) : new Map();
}

/** Fields that have no column; of the schedule, its name. */
function settingsOf(run: Described): Map<string, unknown> {
  const settings = membersOf(read(run.cell_options));
  const schedule = membersOf(settings.get('schedule')).get('name');
  return schedule === undefined ? settings : new Map([...settings, ['schedule', schedule]]);
}

/** Of an object, or of the object that it holds under a key. */
function membersOf(value: unknown, key?: string): Map<string, unknown> {
  const members = new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  return key === undefined ? members : membersOf(members.get(key));
}

/** A JSON column's value, which in a line of runs.csv is text. */
function read(column: unknown): unknown {
  return typeof column === 'string' && column !== '' ? parseCanonical(column) : column;
}
