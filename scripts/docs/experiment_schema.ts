/** The JSON Schema by which editors complete and check experiment files. Made from the parts' own option schemas. */
import { z } from 'zod';
import { benchSchema } from '../../src/bench/bench_file.ts';
import { compareSchema, tuneSchema } from '../../src/manifest.ts';
import { kinds } from '../../src/matrix/block.ts';
import type { Kind } from '../../src/matrix/choices.ts';
import { fields, seedsSchema } from '../../src/matrix/fields.ts';
import { thresholdRules } from '../../src/matrix/threshold_rule.ts';
import { thresholdOption } from '../../src/parts.ts';
import type { Options, Part } from '../../src/types.ts';

type Json = Record<string, unknown>;

/** The same of bench files. */
export function benchFileSchema(): Json {
  const { properties, definitions, ...schema } = experimentSchema();
  const { compare: _, tune: __, ...keys } = properties;
  const strategy = {
    anyOf: [
      { const: 'all', description: 'every strategy that can act there, at its usual options' },
      definitions.strategy,
    ],
  };
  return {
    ...schema,
    title: 'clipbench bench',
    properties: {
      ...keys,
      ...Object.fromEntries(Object.entries(benchSchema.shape).map(([name, own]) => [name, jsonOf(own)])),
    },
    required: ['question', 'measure'],
    definitions: { ...definitions, strategy },
  };
}

export function experimentSchema() {
  const chain = {
    type: 'object',
    properties: { chain: { type: 'array', minItems: 2, items: one('strategy') } },
    required: ['chain'],
    additionalProperties: false,
  };
  const block: Json = {
    task: axis(one('task')),
    model: axis(one('model')),
    optimizer: axis(one('optimizer')),
    schedule: axis(one('schedule')),
    strategy: axis({ anyOf: [one('strategy'), chain] }),
    ...Object.fromEntries(Object.entries(fields.shape).map(([name, schema]) => [name, axis(jsonOf(schema))])),
    seeds: jsonOf(seedsSchema),
  };
  const definitions: Json = {
    ...block,
    threshold_rule: thresholdRule(),
    ...Object.fromEntries(Object.values(kinds).map((kind) => [`one_${kind.word}`, choice(kind)])),
  };
  // Blocks take what the file takes, so both refer to one definition.
  const properties = Object.fromEntries(Object.keys(block).map((key) => [key, { $ref: `#/definitions/${key}` }]));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'clipbench experiment',
    type: 'object',
    properties: {
      question: { type: 'string', minLength: 1, description: 'what the runs are to answer, in a sentence' },
      compare: jsonOf(compareSchema),
      tune: jsonOf(tuneSchema),
      matrix: {
        description: 'blocks whose union is run; keys outside apply to all',
        type: 'array',
        minItems: 1,
        items: { type: 'object', properties, additionalProperties: false },
      },
      ...properties,
    },
    required: ['question'],
    additionalProperties: false,
    definitions,
  };
}

/** One part of a kind. */
function one(word: keyof typeof kinds): Json {
  return { $ref: `#/definitions/one_${word}` };
}

/** A value, or a list of values to be combined with every other axis. */
function axis(value: Json): Json {
  return { anyOf: [value, { type: 'array', minItems: 1, items: value }] };
}

/** A bare name, where nothing has to be given, or a name with options. */
function choice(kind: Kind): Json {
  const { list } = kind;
  return { anyOf: [{ enum: list.map(({ name }) => name) }, ...list.map((part) => withOptions(kind, part))] };
}

/** In the place of a threshold. */
function thresholdRule(): Json {
  const schedule = axis(one('schedule'));
  return {
    description: "a threshold that is relative to the run's own gradients, or on a schedule",
    anyOf: Object.entries(thresholdRules).map(([kind, { shape }]) => ({
      type: 'object',
      properties: {
        ...Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, axis(jsonOf(schema))])),
        schedule,
      },
      required: kind === 'value' ? ['value', 'schedule'] : [kind],
      additionalProperties: false,
    })),
  };
}

function withOptions({ word, extra = {} }: Kind, part: Part<Options, unknown>): Json {
  const shape = part.options.extend(extra).shape;
  const threshold = word === 'strategy' ? thresholdOption(part) : undefined;
  const options = Object.entries(shape).map(([name, schema]) => [
    name,
    axis(name === threshold ? { anyOf: [jsonOf(schema), { $ref: '#/definitions/threshold_rule' }] } : jsonOf(schema)),
  ]);
  const required = Object.entries(shape).flatMap(([name, schema]) =>
    z.safeParse(schema, undefined).success ? [] : [name],
  );
  return {
    description: part.summary,
    type: 'object',
    properties: { name: { const: part.name }, ...Object.fromEntries(options) },
    required: ['name', ...required],
    additionalProperties: false,
  };
}

function jsonOf(schema: z.core.$ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return json;
}
