/** test/golden/clip.json: gradient clipping as other systems and papers have it. Its meta says what made it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { HostTensor, HostTensors } from '../../src/types.ts';
import { hostTensor } from './host.ts';

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const tensor = z.object({ s: z.array(z.number()), d: z.array(number) });
const value: z.ZodType<unknown> = z.unknown();

const golden = z
  .object({
    fixtures: z.record(z.string(), z.record(z.string(), value)),
    cases: z.array(
      z.object({
        id: z.string(),
        strategy: z.string(),
        source: z.object({ system: z.string(), api: z.string() }),
        semantics: z.string().optional(),
        params: z.record(z.string(), value),
        inputs: z.record(z.string(), value),
        expected: z.record(z.string(), value),
        tol: z.object({ rtol: z.number(), atol: z.number() }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/clip.json', import.meta.url), 'utf8')));
export type GoldenCase = (typeof golden.cases)[number];

export const allGoldenCases = golden.cases;

const byFile: Record<string, string[]> = {
  golden_clip_steps: ['S07', 'S08', 'S09', 'S10', 'S11', 'S24', 'S25', 'S30'],
  golden_clip_examples: ['S20', 'S21', 'S22', 'S23'],
  golden_clip_optimizers: ['S12', 'S13', 'S14', 'S15', 'S26', 'S28', 'S29', 'S33'],
};

/** Which cases a test file runs: every case belongs to one file. */
export const goldenTests: Record<string, (example: GoldenCase) => boolean> = {
  golden_clip: ({ strategy, expected }) =>
    !Object.values(byFile).flat().includes(strategy) &&
    expected.throws === undefined &&
    (expected.grads ?? expected.updates) !== undefined,
  golden_clip_refusals: ({ expected }) => expected.throws !== undefined,
  golden_clip_lars: ({ strategy, expected }) => strategy === 'S16' && expected.weightSteps !== undefined,
  ...Object.fromEntries(
    Object.entries(byFile).map(([file, numbers]) => [file, ({ strategy }: GoldenCase) => numbers.includes(strategy)]),
  ),
};

/** The cases that a test file runs, of one strategy or of all. @throws Error where there are none */
export function goldenCases(file: string, number?: string): GoldenCase[] {
  const cases = golden.cases.filter(
    (example) => goldenTests[file]?.(example) && (number === undefined || example.strategy === number),
  );
  if (cases.length === 0) throw new Error(`no cases of ${number ?? 'all'} for ${file}`);
  return cases;
}

/** Whose rule it is. Keras' rules stand under the name of TensorFlow's, but for what 0 means. */
export const goldenSemantics = ({ source, semantics }: GoldenCase): string | undefined =>
  source.system === 'keras' && semantics === 'tf' ? 'keras' : semantics;

/** A list of tensors as named ones, g0, g1, ...; a null stays away. `@grads/normal` names a fixture. */
export function goldenTensors(given: unknown): HostTensors {
  const list = z.array(tensor.nullable()).parse(goldenJson(given));
  return Object.fromEntries(
    list.flatMap((one, i): [string, HostTensor][] => (one === null ? [] : [[`g${i}`, hostTensor(one.s, one.d)]])),
  );
}

/** The same as JSON, fixtures put in. */
export const goldenJson = (given: unknown): unknown => {
  const [, kind = '', name = ''] = typeof given === 'string' ? (/^@(\w+)\/(\w+)$/.exec(given) ?? []) : [];
  return typeof given === 'string' ? golden.fixtures[kind]?.[name] : given;
};

/** Lists of tensors, one for each step. */
export const goldenSteps = (given: unknown): HostTensors[] => z.array(value).parse(given).map(goldenTensors);

/** A number, NaN or an infinity. */
export const goldenNumber = (given: unknown): number => number.parse(given);
export const goldenNumbers = (given: unknown): number[] => z.array(number).parse(given);
