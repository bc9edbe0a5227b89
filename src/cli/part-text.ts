/** What a part says of itself, as text. */
import { z } from 'zod';
import { entriesOf, namesInCatalogue } from '../catalogue.ts';
import { placementOptions } from '../clipping/placement.ts';
import { parts } from '../parts.ts';
import { suggestion } from '../suggestion.ts';
import { type Options, type Part, UsageError } from '../types.ts';
import { table } from './table.ts';

export type PartKind = keyof typeof parts;
export const partKinds: PartKind[] = ['strategies', 'optimizers', 'models', 'tasks', 'schedules'];
/** The key under which a matrix names one of a kind. */
const keys: Record<PartKind, string> = {
  strategies: 'strategy',
  optimizers: 'optimizer',
  models: 'model',
  tasks: 'task',
  schedules: 'schedule',
};

export function listText(kind: PartKind): string {
  const list: Part<Options, unknown>[] = parts[kind];
  if (kind !== 'strategies')
    return table(
      [keys[kind], 'what it does'],
      list.map(({ name, summary }) => [name, summary]),
    );
  return table(
    [keys[kind], 'catalogue', 'looks at', 'gradients of', 'what it does'],
    list.map(({ name, summary, scope = '', needs = 'batch' }) => [
      ...[name, namesInCatalogue(name).join(' '), scope, needs.replace('_', '-')],
      summary,
    ]),
  );
}

/** Every part of this name, or number of the catalogue, with its kind; most names have one. @throws UsageError where there is none */
export function partsNamed(name: string): { kind: PartKind; part: Part<Options, unknown> }[] {
  const all = partKinds.flatMap((kind) => parts[kind].map((part: Part<Options, unknown>) => ({ kind, part })));
  const names = [name, ...entriesOf(name.toUpperCase()).map((entry) => entry.name)];
  const found = all.filter(({ part }) => names.includes(part.name));
  if (found.length > 0) return found;
  const known = all.map(({ part }) => part.name);
  throw new UsageError(
    `nothing is called ${JSON.stringify(name)}${suggestion(name, known)}; clipbench list shows all names`,
  );
}

export interface OptionFacts {
  name: string;
  /** JSON text of the default, `absent` where it may be left out, or `needed`. */
  unless_said: string;
  allowed: string;
  search: string;
  meaning: string;
}

export function optionFacts(shape: z.core.$ZodShape): OptionFacts[] {
  return Object.entries(shape).map(([name, schema]) => {
    const { description = '', search } = z.globalRegistry.get(schema) ?? {};
    return {
      name,
      unless_said: unlessSaid(schema),
      allowed: allowedBy(schema),
      search: search === undefined ? '' : `${search.min} to ${search.max}, ${search.scale}`,
      meaning: description,
    };
  });
}

function unlessSaid(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodExactOptional) return 'absent';
  const unsaid = z.safeParse(schema, undefined);
  return unsaid.success ? (JSON.stringify(unsaid.data) ?? 'absent') : 'needed';
}

/** In words, from the JSON Schema that the option's own schema stands for. */
function allowedBy(schema: z.core.$ZodType): string {
  const json = z
    .looseObject({
      type: z.string().optional(),
      enum: z.array(z.string()).optional(),
      anyOf: z.array(z.unknown()).optional(),
      minimum: z.number().optional(),
      exclusiveMinimum: z.number().optional(),
      maximum: z.number().optional(),
      exclusiveMaximum: z.number().optional(),
    })
    .parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  if (json.enum !== undefined) return json.enum.join(' | ');
  if (json.type === 'boolean') return 'true | false';
  const bounds = [
    json.exclusiveMinimum !== undefined && `> ${json.exclusiveMinimum}`,
    json.minimum !== undefined && json.minimum > -1e15 && `>= ${json.minimum}`,
    json.exclusiveMaximum !== undefined && `< ${json.exclusiveMaximum}`,
    json.maximum !== undefined && json.maximum < 1e15 && `<= ${json.maximum}`,
  ].filter((bound) => bound !== false);
  return [json.type === 'array' ? 'list' : (json.type ?? 'number or word'), ...bounds].join(' ');
}

export function explainText(kind: PartKind, part: Part<Options, unknown>): string {
  const facts = [
    `${keys[kind]} ${part.name}`,
    part.summary,
    '',
    `equation   ${part.equation}`,
    `after      ${part.reference}`,
    ...(part.scope === undefined ? [] : [`scope      ${part.scope}`]),
    ...(part.cost === undefined ? [] : [`costs      ${part.cost}`]),
    ...(part.needs === undefined ? [] : [`works on   gradients by ${part.needs}`]),
    ...(kind === 'strategies' || kind === 'optimizers' ? catalogued(part.name) : []),
    `in a file  ${example(kind, part)}`,
  ];
  const own = optionLines(part.options.shape);
  return [
    ...facts,
    '',
    ...(own.length === 0 ? ['No options of its own.'] : ['Options:', ...own]),
    ...(kind === 'strategies' ? ['', 'Every strategy takes:', ...optionLines(placementOptions)] : []),
  ].join('\n');
}

/** Two lines an option: what may be said, and what it means. */
function optionLines(shape: z.core.$ZodShape): string[] {
  const facts = optionFacts(shape);
  const width = Math.max(...facts.map(({ name }) => name.length));
  return facts.flatMap(({ name, unless_said, allowed, search, meaning }) => {
    const searched = search === '' ? '' : `; search ${search}`;
    return [
      `  ${name.padEnd(width)}  ${allowed}; ${unless_said === 'needed' ? 'needed' : `unless said ${unless_said}`}${searched}`,
      `  ${' '.repeat(width)}  ${meaning}`,
    ];
  });
}

function catalogued(name: string): string[] {
  const numbers = namesInCatalogue(name);
  return numbers.length === 0 ? [] : [`catalogue  ${numbers.join(', ')}`];
}

/** `strategy: {name: global_norm, max_norm: 1}` */
function example(kind: PartKind, part: Part<Options, unknown>): string {
  const needed = Object.entries(part.options.shape).flatMap(([name, schema]) => {
    if (unlessSaid(schema) !== 'needed') return [];
    const { search } = z.globalRegistry.get(schema) ?? {};
    return [`${name}: ${search === undefined ? '...' : Number(Math.sqrt(search.min * search.max).toPrecision(1))}`];
  });
  return `${keys[kind]}: ${needed.length === 0 ? part.name : `{name: ${[part.name, ...needed].join(', ')}}`}`;
}
