/** Tensors as JSON: `{s: shape, d: flat numbers}`, with NaN and infinities as strings. */
import { z } from 'zod';
import { floatText } from '../float_text.ts';
import { type HostTensor, UsageError } from '../types.ts';

const odd = ['NaN', 'Infinity', '-Infinity'] as const;
const number = z.union([z.number(), z.enum(odd)], { error: 'give a number, "NaN", "Infinity" or "-Infinity"' });

/** Row-major. */
export const tensorSchema = z
  .strictObject({ s: z.array(z.int().min(0)).describe('shape'), d: z.array(number).describe('entries, row by row') })
  .describe('a tensor');
/** A list of tensors, where null stands for a parameter without a gradient; or tensors by name. */
export const tensorsSchema = z.union([
  z.array(tensorSchema.nullable()),
  z.record(z.string().regex(/^[a-z][a-z0-9_./]*$/), tensorSchema.nullable()),
]);
export type TensorJson = z.infer<typeof tensorSchema>;
export type TensorsJson = z.infer<typeof tensorsSchema>;

/** By name: those of a list are g0, g1, ... Nulls are left out. @throws UsageError where shape and entries don't fit */
export function fromJson(given: TensorsJson, where: string): Record<string, HostTensor> {
  return Object.fromEntries(
    named(given).flatMap(([name, tensor]): [string, HostTensor][] => {
      if (tensor === null) return [];
      const { s: shape, d } = tensor;
      const size = shape.reduce((product, n) => product * n, 1);
      if (size !== d.length) {
        throw new UsageError(`${where}.${name}: shape [${shape.join(', ')}] holds ${size} entries, not ${d.length}`);
      }
      return [[name, { shape, values: Float32Array.from(d, Number) }]];
    }),
  );
}

/** In the form of `like`: a list or by name, with its nulls. */
export function toJson(tensors: Record<string, HostTensor>, like: TensorsJson): TensorsJson {
  const entries = named(like).map(([name]): [string, TensorJson | null] => {
    const tensor = tensors[name];
    return [name, tensor === undefined ? null : { s: tensor.shape, d: Array.from(tensor.values, numberToJson) }];
  });
  return Array.isArray(like) ? entries.map(([, tensor]) => tensor) : Object.fromEntries(entries);
}

/** The shortest number that is the same float32. */
export function numberToJson(value: number): number | (typeof odd)[number] {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return 'Infinity';
  return value === Number.NEGATIVE_INFINITY ? '-Infinity' : Number(floatText(Math.fround(value)));
}

export const numberSchema = number;

function named(given: TensorsJson): [string, TensorJson | null][] {
  return Array.isArray(given) ? given.map((tensor, i) => [`g${i}`, tensor]) : Object.entries(given);
}
