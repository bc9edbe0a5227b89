/** What is written for a task, model, optimizer or strategy, as the list of parts with options that it stands for. */
import { z } from 'zod';
import { thresholdOption } from '../parts.ts';
import type { Choice, Options, OptionValue, Part, ThresholdRule } from '../types.ts';
import { alternatives, type Located, product } from './axes.ts';
import type { Path } from './document.ts';
import { type Mistakes, shown } from './mistakes.ts';
import { thresholdRulesIn } from './threshold_rule.ts';

/** A kind of part: the word for it in messages, and what there is. `extra` are options that all of the kind take. */
export interface Kind {
  word: string;
  list: Part<Options, unknown>[];
  extra?: z.ZodRawShape;
}

/**
 * `name`, `{name, option: value or list}`, or a list of those. Options are checked by the part itself, and defaults
 * filled in, so that a cell holds everything that shaped it.
 */
export function choices(kind: Kind, written: unknown, path: Path, mistakes: Mistakes): Located<Choice>[] {
  return alternatives(written, path, mistakes).flatMap(({ value, path: place }) =>
    one(kind, typeof value === 'string' ? { name: value } : value, place, mistakes),
  );
}

/** As `choices`, and `{chain: [a, b]}` for several in a row. */
export function chains(kind: Kind, written: unknown, path: Path, mistakes: Mistakes): Located<Choice[]>[] {
  return alternatives(written, path, mistakes).flatMap(({ value, path: place }) => {
    if (!isRecord(value) || !('chain' in value)) {
      return choices(kind, value, place, mistakes).map((choice) => ({ value: [choice.value], path: place }));
    }
    const members = value.chain;
    const chainPath = [...place, 'chain'];
    const others = Object.keys(value).filter((key) => key !== 'chain');
    for (const key of others) mistakes.unknown(place, 'key beside chain', key, ['chain'], key);
    if (!Array.isArray(members) || members.length < 2) {
      mistakes.at(chainPath, `chain is ${shown(members)}; it takes a list of at least two ${kind.word} entries`);
      return [];
    }
    const axes = members.map((member: unknown, i) => choices(kind, member, [...chainPath, i], mistakes));
    return product(axes, chainPath, mistakes).map((combination) => ({
      value: combination.map((choice) => choice.value),
      path: place,
    }));
  });
}

function one(kind: Kind, written: unknown, path: Path, mistakes: Mistakes): Located<Choice>[] {
  if (!isRecord(written) || written.name === undefined) {
    mistakes.at(path, `${kind.word} is ${shown(written)}; give a name, or {name: ..., option: value}`);
    return [];
  }
  const known = kind.list.map((part) => part.name);
  return alternatives(written.name, [...path, 'name'], mistakes).flatMap((name) => {
    const part = kind.list.find((candidate) => candidate.name === name.value);
    if (part === undefined) {
      mistakes.unknown(name.path, kind.word, typeof name.value === 'string' ? name.value : shown(name.value), known);
      return [];
    }
    return withOptions(kind, part, written, path, mistakes);
  });
}

/** One choice for every combination of the options' alternatives. */
function withOptions(
  kind: Kind,
  part: Part<Options, unknown>,
  written: Record<string, unknown>,
  path: Path,
  mistakes: Mistakes,
): Located<Choice>[] {
  const schema = part.options.extend(kind.extra ?? {});
  const known = Object.keys(schema.shape);
  const options = Object.keys(written).filter((key) => key !== 'name');
  const what = `${kind.word} "${part.name}"`;
  for (const option of options.filter((key) => !known.includes(key))) {
    mistakes.unknown(path, `option of ${what}:`, option, known, option);
  }
  const threshold = kind.word === 'strategy' ? thresholdOption(part) : undefined;
  const axes = options.map((option) =>
    alternatives(written[option], [...path, option], mistakes).flatMap((located) => {
      const plain: Written = { option, ...located };
      const { value, path: place } = located;
      return option === threshold && isRecord(value)
        ? thresholdRulesIn(`${option} of ${what}`, value, place, mistakes).map((rule) => ({ ...plain, ...ruled(rule) }))
        : [plain];
    }),
  );
  return product(axes, path, mistakes).flatMap((members) => {
    const rules = members.flatMap(({ option, rule }): [string, ThresholdRule][] => (rule ? [[option, rule]] : []));
    const given = Object.fromEntries(members.map(({ option, value }) => [option, value]));
    const checked = schema.safeParse(given);
    const pathOf = (option: string) => members.find((member) => member.option === option)?.path ?? path;
    if (!checked.success) {
      mistakes.issues(what, checked.error.issues, given, path, pathOf, descriptionsOf(schema));
      return [];
    }
    mistakes.beyondFloat32(what, given, pathOf);
    const plain = plainOptions(checked.data);
    return [{ value: { name: part.name, options: { ...plain, ...Object.fromEntries(rules) } }, path }];
  });
}

interface Written extends Located<unknown> {
  option: string;
  rule?: ThresholdRule;
}

/** With a number that the strategy takes, where the run is to find its own. */
const ruled = ({ value: rule, path }: Located<ThresholdRule>) => ({ value: rule.value ?? 1, rule, path });

function descriptionsOf(schema: z.ZodObject): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(schema.shape).map(([name, option]) => [name, z.globalRegistry.get(option)?.description]),
  );
}

function plainOptions(checked: Record<string, unknown>): Options {
  return Object.fromEntries(Object.entries(checked).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: unknown): OptionValue {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(plainValue);
  throw new TypeError(`${shown(value)} is no option value`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
