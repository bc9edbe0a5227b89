/** Random experiments as plain values, and single cells as such. */
import assert from 'node:assert/strict';
import fc, { type Arbitrary } from 'fast-check';
import { z } from 'zod';
import { canonical } from '../../src/canonical.ts';
import { kinds } from '../../src/matrix/block.ts';
import { isRecord, type Kind } from '../../src/matrix/choices.ts';
import { parseExperiment } from '../../src/matrix/experiment.ts';
import { dependents, fields } from '../../src/matrix/fields.ts';
import { fileOptions } from '../../src/parts.ts';
import { type Cell, type Choice, type Options, type Part, UsageError } from '../../src/types.ts';

export type Written = number | string | boolean | Written[] | { [key: string]: Written };
export type Matrix = { [key: string]: Written };

/** What every option is tried with; its own schema says which of these it takes. */
const pool: Written[] = [
  0.25,
  0.5,
  2,
  3,
  20,
  30,
  -1.5,
  1e-7,
  true,
  false,
  [4],
  [8],
  [4, 8],
  ['*'],
  ['*0'],
  [['*']],
  [['*0'], ['*1']],
];

function valuesOf(schema: z.core.$ZodType): Written[] {
  const words = z
    .array(z.string())
    .catch([])
    .parse(z.toJSONSchema(schema, { io: 'input' }).enum);
  const values = [...words, ...pool].filter((value) => z.safeParse(schema, value).success);
  assert.notEqual(
    values.length,
    0,
    `nothing in the pool is a value for ${JSON.stringify(z.toJSONSchema(schema))}: add one`,
  );
  return values;
}

/** Every option of every part and every field, with values that it takes; but for those that name files. */
function optionValues(kind: Kind, part: Part<Options, unknown>): Record<string, Written[]> {
  const known = valuesByPart.get(part) ?? allValues(kind, part);
  valuesByPart.set(part, known);
  return known;
}

/** Asked for again with every matrix. */
const valuesByPart = new Map<Part<Options, unknown>, Record<string, Written[]>>();

function allValues({ extra = {} }: Kind, part: Part<Options, unknown>): Record<string, Written[]> {
  const files = fileOptions(part).flatMap((option) => [option, `${option}_sha256`]);
  return mapped(
    Object.fromEntries(Object.entries(part.options.extend(extra).shape).filter(([name]) => !files.includes(name))),
  );
}

/** Tasks on files of the user's own have none here. */
const partsOf = ({ word, list }: Kind) =>
  list.filter(
    (part) =>
      word !== 'task' || fileOptions(part).every((name) => z.safeParse(part.options.shape[name], undefined).success),
  );
const fieldValues = mapped(fields.shape);
/** These fit few tasks, batches or optimizers. */
const rare = ['label_smoothing', 'label_noise', 'huber', 'accumulate', 'weight_decay', 'decay'];
const only = (values: Record<string, Written[]>, wanted: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => wanted(name)));

function mapped(shape: z.core.$ZodShape): Record<string, Written[]> {
  return Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, valuesOf(schema)]));
}

/** Does every model read every task, and does every control mean something for it? */
export function fits(matrix: Matrix): boolean {
  try {
    parseExperiment(JSON.stringify(matrix), 'x.yaml');
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** One value, or a list of two; a value that is itself a list is nested. */
function axis(values: Written[]): Arbitrary<Written> {
  const one = fc.constantFrom(...values).map((value) => (Array.isArray(value) ? [value] : value));
  if (values.length < 2) return one;
  return fc.oneof(
    { weight: 4, arbitrary: one },
    { weight: 1, arbitrary: fc.shuffledSubarray(values, { minLength: 2, maxLength: 2 }) },
  );
}

function record(values: Record<string, Written[]>, requiredKeys: string[]): Arbitrary<Matrix> {
  const axes = Object.fromEntries(Object.entries(values).map(([name, taken]) => [name, axis(taken)]));
  return fc.record(axes, { requiredKeys, noNullPrototype: true });
}

function choice(kind: Kind, part: Part<Options, unknown>): Arbitrary<Written> {
  const shape = part.options.extend(kind.extra ?? {}).shape;
  const required = Object.keys(shape).filter((name) => !z.safeParse(shape[name] ?? z.never(), undefined).success);
  const isOwn = (name: string) => name in part.options.shape || required.includes(name);
  const values = optionValues(kind, part);
  const own = record(only(values, isOwn), required);
  const others = record(
    only(values, (name) => !isOwn(name)),
    [],
  );
  // What all of a kind take is refused beside much else: most have none of it.
  const some = fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: others });
  return fc.tuple(own, some).map(([one, more]) => ({ name: part.name, ...one, ...more }));
}

/** A list of parts, each once, so that no cell is written twice. */
function choices(kind: Kind, longest: number): Arbitrary<Written[]> {
  return fc
    .shuffledSubarray(partsOf(kind), { minLength: 1, maxLength: longest })
    .chain((list) => fc.tuple(...list.map((part) => choice(kind, part))));
}

const chains = choices(kinds.strategy, 3).map((list) =>
  list.length === 3 ? [list[0] ?? '', { chain: list.slice(1) }] : list,
);
const seeds = fc.oneof(fc.constantFrom(1, 2), fc.shuffledSubarray([0, 3, 7], { minLength: 1, maxLength: 2 }));

/** A flat matrix: every key at the top. Few enough cells to expand often. */
export const matrices: Arbitrary<Matrix> = fc
  .record({
    fields: record(
      only(fieldValues, (name) => !rare.includes(name)),
      ['steps'],
    ),
    controls: fc.oneof(
      { weight: 5, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: record(
          only(fieldValues, (name) => rare.includes(name)),
          [],
        ),
      },
    ),
    task: choices(kinds.task, 1),
    model: choices(kinds.model, 2),
    optimizer: choices(kinds.optimizer, 1),
    strategy: chains,
    seeds,
  })
  .map(({ fields, controls, ...others }) => ({ question: 'q', ...withoutIdle({ ...fields, ...controls }), ...others }))
  .filter((matrix) => countOf(matrix) <= 50 && fits(matrix));

/** Without the fields that would be refused because they act on nothing; nothing in the pool turns off what they act on. */
function withoutIdle(written: Matrix): Matrix {
  const idle = dependents.filter(({ on }) => written[on] === undefined).map(({ field }): string => field);
  return Object.fromEntries(Object.entries(written).filter(([name]) => !idle.includes(name)));
}

/** Cells of a flat matrix in which no cell is written twice, counted without expanding it. */
export function countOf({ question: _, seeds, ...axes }: Matrix): number {
  const count = typeof seeds === 'number' ? seeds : alternatives(seeds ?? []);
  return Object.values(axes).reduce<number>((product, written) => product * alternatives(written), count);
}

function alternatives(written: Written): number {
  if (Array.isArray(written)) {
    return written.reduce<number>((sum, member) => sum + (Array.isArray(member) ? 1 : alternatives(member)), 0);
  }
  if (!isRecord(written)) return 1;
  const { chain, ...options } = written;
  const members = Array.isArray(chain) ? chain : Object.values(options);
  return members.reduce<number>((product, member) => product * alternatives(member), 1);
}

/** The file of this one cell, with every option written out. */
export function fileOf(cell: Cell): Matrix {
  const { task, model, optimizer, learning_rate, schedule, strategy, seed, phase: _, ...settings } = cell;
  const chain = strategy.map(({ name, options, ...placement }) =>
    written({ name, options: { ...usual, ...options, ...placement } }),
  );
  return {
    question: 'q',
    ...settings,
    task: written(task),
    model: written(model),
    optimizer: { ...written(optimizer), learning_rate: [learning_rate] },
    schedule: written(schedule),
    strategy: chain.length > 1 ? { chain } : chain,
    seeds: [seed],
  };
}

/** How a strategy is used where nothing is said. */
const usual: Options = { place: 'gradient', include: [], exclude: [], non_finite: 'propagate' };

function written({ name, options }: Choice): Matrix {
  return { name, ...Object.fromEntries(Object.entries(options).map(([option, value]) => [option, [value]])) };
}

/** Files of one cell that differ from this one in the value of one option. */
export function neighboursOf(file: Matrix): Matrix[] {
  return Object.entries(file).flatMap(([key, value]) =>
    othersOf(key, value).map((other) => ({ ...file, [key]: other })),
  );
}

function othersOf(key: string, value: Written): Written[] {
  if (key === 'seeds') return [[11]];
  const taken = fieldValues[key];
  if (taken !== undefined) return taken.filter((other) => other !== value);
  const kind = Object.values(kinds).find(({ word }) => word === key);
  return kind === undefined ? [] : otherChoices(kind, value);
}

function otherChoices(kind: Kind, value: Written): Written[] {
  if (Array.isArray(value)) {
    return value.flatMap((member, i) => otherChoices(kind, member).map((other) => value.with(i, other)));
  }
  if (!isRecord(value)) return [];
  if (value.chain !== undefined) return otherChoices(kind, value.chain).map((chain) => ({ chain }));
  const part = kind.list.find(({ name }) => name === value.name);
  return Object.entries(part === undefined ? {} : optionValues(kind, part)).flatMap(([option, values]) =>
    values
      .filter((other) => canonical([other]) !== canonical(value[option]))
      .map((other) => ({ ...value, [option]: [other] })),
  );
}
