/** Options with which a part can be made, read from its own schema: a new part is tested without a line in a test. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Options, Part } from '../../src/types.ts';

/** A small file such as a user has. */
export const dataFile = (name: string) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));

/** What no schema knows: the files of tasks that read a user's own, and what is in them. */
const given: Record<string, Record<string, unknown>> = {
  csv_file: {
    path: dataFile('plants.csv'),
    target: 'kind',
    categorical: ['colour'],
    ignore: ['number'],
    delimiter: 'comma',
  },
  json_lines_file: {
    path: dataFile('plants.jsonl'),
    target: 'kind',
    categorical: ['colour'],
    ignore: ['number'],
  },
  idx_file: { images: dataFile('bars-images-idx3-ubyte.gz'), labels: dataFile('bars-labels-idx1-ubyte') },
};

/**
 * The defaults with every value of every enumerated option. A number without a default is taken from the middle of its
 * search range, on the range's scale; what can be left out is.
 */
export function variants(part: Part<Options, unknown>): Options[] {
  let found: Record<string, unknown>[] = [given[part.name] ?? {}];
  for (const [name, schema] of Object.entries(part.options.shape)) {
    if (schema instanceof z.ZodExactOptional || name in (given[part.name] ?? {})) continue;
    const values = allowed(schema);
    found = found.flatMap((options) => values.map((value) => ({ ...options, [name]: value })));
  }
  return found.map((options) => optionsOf(part, options));
}

/** These options and the defaults of all others, checked. */
export function optionsOf(part: Part<Options, unknown>, options: Record<string, unknown>): Options {
  return unchecked(part.options.parse(options));
}

/** As options of any part. */
export const unchecked = (options: Record<string, unknown>): Options =>
  z.record(z.string(), optionValue).parse(options);

const optionValue: z.ZodType<Options[string]> = z.lazy(() =>
  z.union([z.number(), z.string(), z.boolean(), z.array(optionValue)]),
);

function allowed(schema: z.core.$ZodType): unknown[] {
  const meta = z.globalRegistry.get(schema);
  const inner = schema instanceof z.ZodDefault ? schema.unwrap() : schema;
  if (inner instanceof z.ZodEnum) return inner.options;
  if (inner instanceof z.ZodBoolean) return [false, true];
  if (schema instanceof z.ZodDefault) return [schema.parse(undefined)];
  if (meta?.search === undefined) throw new Error('an option without a default has no search range either');
  const { min, max, scale } = meta.search;
  return [scale === 'log' ? Math.sqrt(min * max) : (min + max) / 2];
}
