/** Strategies, optimizers and schedules by name, and what the schemas of options say. Reads no files, so that it runs in a browser too. */
import { z } from 'zod';
import * as optimizers from './optimizers/index.ts';
import * as schedules from './schedules/index.ts';
import * as strategies from './strategies/index.ts';
import type { Choice, Options, OptionValue, Part, SchedulePart, ThresholdRule, TransformPart } from './types.ts';

/** What each index lists, sorted by name. */
export const transforms = {
  strategies: Object.values<TransformPart>(strategies),
  optimizers: Object.values<TransformPart>(optimizers),
  schedules: Object.values<SchedulePart>(schedules),
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

/** The rule in the place of a strategy's threshold, where there is one. */
export function thresholdRule({ name, options }: Choice): ThresholdRule | undefined {
  const value = options[thresholdOption(find(transforms.strategies, name)) ?? ''];
  return typeof value === 'object' && !Array.isArray(value) ? value : undefined;
}

/** The threshold of a strategy, before a schedule; undefined where it has none, or has to find it. */
export function thresholdIn(clip: Choice | undefined): number | undefined {
  if (clip === undefined) return undefined;
  const rule = thresholdRule(clip);
  if (rule !== undefined) return rule.value;
  const value = clip.options[thresholdOption(find(transforms.strategies, clip.name)) ?? ''];
  return value === undefined ? undefined : Number(value);
}

/** The same strategy with another threshold. */
export function withThreshold<C extends Choice>(clip: C, threshold: number | ThresholdRule): C {
  const option = thresholdOption(find(transforms.strategies, clip.name));
  return option === undefined ? clip : { ...clip, options: { ...clip.options, [option]: threshold } };
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

/** The same choice without what goes without saying: options at their defaults. */
export function withoutDefaults(part: Part<Options, unknown>, { name, options }: Choice): Choice {
  const shape: Record<string, z.core.$ZodType> = part.options.shape;
  const isDefault = (option: string, value: OptionValue) => {
    const unsaid = shape[option] === undefined ? undefined : z.safeParse(shape[option], undefined);
    return unsaid?.success === true && JSON.stringify(unsaid.data) === JSON.stringify(value);
  };
  return {
    name,
    options: Object.fromEntries(Object.entries(options).filter(([option, value]) => !isDefault(option, value))),
  };
}

/** What a part's `update` reads as scalars: numeric options and derived constants. */
export function constants(part: Part<Options, unknown>, choice: Choice): Record<string, number> {
  const numeric = optionsWithRole(part, 'numeric').map((name) => [name, Number(choice.options[name])] as const);
  return { ...Object.fromEntries(numeric), ...part.derive?.(choice.options) };
}

/** What an option says of itself. */
export function metaOf(schema: z.core.$ZodType): z.core.GlobalMeta | undefined {
  return 'meta' in schema && typeof schema.meta === 'function' ? schema.meta() : undefined;
}
