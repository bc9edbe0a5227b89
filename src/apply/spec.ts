/** A strategy or an optimizer as somebody writes it: by our names, or by those of the catalogue (S00 to S33). */
import { z } from 'zod';
import { catalogue, fromCatalogue, off } from '../catalogue.ts';
import { clipOf, placementOptions } from '../clipping/placement.ts';
import { suggestion } from '../suggestion.ts';
import { find, metaOf, transforms } from '../transforms.ts';
import { type Clip, type Options, type OptionValue, type TransformPart, UsageError } from '../types.ts';

const single = z.union([z.string(), z.looseObject({ name: z.string() })]);
/** A name, `{name, option: value, ...}`, or `{chain: [...]}`. */
export const specSchema = z.union([single, z.strictObject({ chain: z.array(single).min(2) })]);
export type Spec = z.infer<typeof specSchema>;

/** Of weights: the share that is taken off; coupled (l2), it goes through the optimizer. */
export interface Decay {
  share: number;
  isCoupled?: boolean;
}

/** What a spec stands for: strategies in a row, an optimizer, or (S26) a strategy beside one. */
export interface Chosen {
  clips: Clip[];
  optimizer?: Clip;
  /** Of the weights, beside both. */
  decay?: Decay;
  /** How many examples or workers every step has. */
  count?: { said: string; count: unknown };
  /** Given beside the options. */
  learning_rate?: number;
}

/**
 * @throws UsageError with what is wrong, in one line. Values outside an option's range are refused where semantics are `safe`; other
 * semantics take any number, as the systems do that they stand for.
 */
export function chosenBy(spec: Spec): Chosen {
  if (typeof spec === 'string') return one({ name: spec });
  if (isSingle(spec)) return one(spec);
  const members = spec.chain.map(chosenBy);
  if (members.some(({ optimizer }) => optimizer !== undefined)) {
    throw new UsageError('strategy: a chain is of strategies; give an optimizer by itself');
  }
  return { clips: members.flatMap(({ clips }) => clips) };
}

const isSingle = (spec: Exclude<Spec, string>): spec is { name: string } => 'name' in spec;

function one(written: { name: string } & Record<string, unknown>): Chosen {
  const { name, options, beside, decay, count } = written.name in catalogue ? catalogued(written) : oursOf(written);
  const { learning_rate, ...own } = options;
  const rate = learning_rate === undefined ? {} : { learning_rate: numberOf('learning_rate', learning_rate) };
  const strategy = transforms.strategies.find((part) => part.name === name);
  if (strategy !== undefined) {
    return {
      clips: [clipOf(name, optionsOf(strategy, own, placementOptions))],
      ...rate,
      ...(beside && {
        optimizer: {
          name: beside.name,
          options: optionsOf(find(transforms.optimizers, beside.name), beside.options, {}),
        },
      }),
      ...(count && { count }),
      ...(decay && { decay: { ...decay, share: numberOf('weightDecay', decay.share) } }),
    };
  }
  const optimizer = transforms.optimizers.find((part) => part.name === name);
  if (optimizer !== undefined)
    return { clips: [], optimizer: { name, options: optionsOf(optimizer, own, {}) }, ...rate };
  const known = [...transforms.strategies, ...transforms.optimizers].map((part) => part.name);
  throw new UsageError(
    `strategy: unknown name ${JSON.stringify(name)}${suggestion(name, known)} (known: ${known.join(', ')}; ${Object.keys(catalogue).join(', ')})`,
  );
}

/** Parameters may also stand together under `params`, as in the golden file. */
function catalogued({ name, params, semantics, ...others }: { name: string } & Record<string, unknown>) {
  const given = { ...(typeof params === 'object' && params), ...others };
  const found = fromCatalogue(name, given, typeof semantics === 'string' ? semantics : undefined);
  const { learning_rate, optimizer: beside, decay, count } = found;
  const options = { ...found.options, ...(learning_rate !== undefined && { learning_rate }) };
  return { name: found.name, options, beside, decay, count };
}

const oursOf = ({ name, ...options }: { name: string } & Record<string, unknown>) => ({
  name,
  options,
  beside: undefined,
  decay: undefined,
  count: undefined,
});

/** Every option, defaults filled in. */
function optionsOf(part: TransformPart, written: Record<string, unknown>, extra: z.ZodRawShape): Options {
  const schema = part.options.extend(extra);
  const given = withoutBounds(part, written);
  const checked = schema.safeParse(given);
  if (checked.success) return plain(checked.data);
  const { semantics = 'safe' } = given;
  const issues = checked.error.issues.filter(
    ({ code }) => semantics === 'safe' || (code !== 'too_small' && code !== 'too_big'),
  );
  // A slip in a name is the reason why another is missing.
  const first = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (first !== undefined) throw new UsageError(mistake(part.name, first, written, Object.keys(schema.shape)));
  const defaults = Object.entries(schema.shape).flatMap(([name, option]) => {
    const unsaid = z.safeParse(option, undefined);
    return unsaid.success && unsaid.data !== undefined ? [[name, unsaid.data] as const] : [];
  });
  return plain({ ...Object.fromEntries(defaults), ...given });
}

/** Infinity as JSON can say it; null is no threshold. */
function withoutBounds(part: TransformPart, written: Record<string, unknown>): Record<string, unknown> {
  const shape: Record<string, z.core.$ZodType> = part.options.shape;
  return Object.fromEntries(
    Object.entries(written).flatMap(([name, value]): [string, unknown][] => {
      const schema = shape[name];
      const { role, threshold } = (schema && metaOf(schema)) ?? {};
      if (value === null && schema instanceof z.ZodExactOptional) return [];
      if (
        role !== 'numeric' ||
        (value !== 'Infinity' && value !== Number.POSITIVE_INFINITY && !(value === null && threshold))
      )
        return [[name, value]];
      return [[name, off]];
    }),
  );
}

function mistake(part: string, issue: z.core.$ZodIssue, given: Record<string, unknown>, known: string[]): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return `strategy "${part}": unknown option ${JSON.stringify(key)}${suggestion(key, known)} (known: ${known.join(', ')})`;
  }
  const option = String(issue.path[0] ?? '');
  const value = given[option];
  if (value === undefined) return `strategy "${part}" needs ${option}`;
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? `strategy "${part}": ${option} is ${JSON.stringify(value)}; relative thresholds and schedules are of runs (clipbench run): give a number`
    : `strategy "${part}": ${option} is ${typeof value === 'number' ? value : JSON.stringify(value)}; ${issue.message}`;
}

const optionValue: z.ZodType<OptionValue> = z.lazy(() =>
  z.union([z.number(), z.string(), z.boolean(), z.array(optionValue)]),
);
const plain = (options: Record<string, unknown>): Options => z.record(z.string(), optionValue).parse(options);

function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw new UsageError(`strategy: ${name} is ${JSON.stringify(value)}; give a number`);
}
