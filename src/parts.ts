/** Finding parts by name, and what the schemas of their options say. */
import type { z } from 'zod';
import * as models from './models/index.ts';
import * as optimizers from './optimizers/index.ts';
import * as strategies from './strategies/index.ts';
import * as tasks from './tasks/index.ts';
import type { Choice, ModelPart, Options, OptionValue, Part, TaskPart, TransformPart } from './types.ts';

/** What each index lists, sorted by name. */
export const parts = {
  strategies: Object.values<TransformPart>(strategies),
  optimizers: Object.values<TransformPart>(optimizers),
  models: Object.values<ModelPart>(models),
  tasks: Object.values<TaskPart>(tasks),
};

/** The part with this name. @throws Error when there is none: names are checked when a matrix is read. */
export function find<T>(list: Part<Options, T>[], name: string): Part<Options, T> {
  const part = list.find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no part "${name}" among ${list.map((known) => known.name).join(', ')}`);
  return part;
}

/** Names of a part's options with a role, in declared order. */
export function optionsWithRole(part: Part<Options, unknown>, role: 'structural' | 'numeric'): string[] {
  return Object.entries(part.options.shape).flatMap(([name, schema]) => (metaOf(schema)?.role === role ? [name] : []));
}

/** Name of the option shown in the threshold column, where a part has one. */
export function thresholdOption(part: Part<Options, unknown>): string | undefined {
  return Object.entries(part.options.shape).find(([, schema]) => metaOf(schema)?.threshold)?.[0];
}

/** What a part is made from: its structural options only. */
export function build<T>(part: Part<Options, T>, choice: Choice): T {
  return part.make(structureOf(part, choice).options);
}

/** The same choice without its numeric options; of those that may be absent is left whether they are there. */
export function structureOf(part: Part<Options, unknown>, { name, options }: Choice): Choice {
  const kept = Object.entries(part.options.shape).flatMap(([option, schema]): [string, OptionValue][] => {
    const value = options[option];
    const { role, absent } = metaOf(schema) ?? {};
    if (value === undefined || role === undefined) return [];
    if (role === 'structural') return [[option, value]];
    return absent === undefined ? [] : [[option, value !== absent]];
  });
  return { name, options: Object.fromEntries(kept) };
}

/** What a part's `update` reads as scalars: numeric options and derived constants. */
export function constants(part: Part<Options, unknown>, choice: Choice): Record<string, number> {
  const numeric = optionsWithRole(part, 'numeric').map((name) => [name, Number(choice.options[name])] as const);
  return { ...Object.fromEntries(numeric), ...part.derive?.(choice.options) };
}

function metaOf(schema: z.core.$ZodType): z.core.GlobalMeta | undefined {
  return 'meta' in schema && typeof schema.meta === 'function' ? schema.meta() : undefined;
}
