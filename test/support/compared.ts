/**
 * The comparisons that a result set declares, worked out from its CSV files and the manifest alone: rows of runs.csv, statistics by hand.
 * Nothing is shared with src/report.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { leastP, signTest, stepDown, typicalDifference, unlikePairs } from './by_hand.ts';

export type Row = Record<string, string>;
const entry = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.record(z.string(), z.union([z.string(), z.number()]))]),
);
export const declaration = z.object({
  cells: z.number(),
  finished: z.string().optional(),
  compare_changed: z.object({ finished_runs: z.number() }).optional(),
  compare: z
    .object({
      baseline: z.union([z.string(), z.record(z.string(), z.union([z.string(), z.number()]))]),
      metric: z.string(),
      at: z.enum(['final', 'best']),
      family: z.array(entry).optional(),
    })
    .optional(),
});

export type Declaration = z.infer<typeof declaration>;

/** How the runs of a result set are called, which depends on what varies in it, and in which direction its metric is better. */
export interface Called {
  setting: (row: Row) => string;
  config: (row: Row) => string;
  baseline: string;
  better: 'higher' | 'lower';
  /** Of the task's own metric, where the declared one is the loss. */
  metricBetter?: 'higher' | 'lower';
  /** `validation loss`. */
  metric: string;
}

export interface Compared {
  setting: string;
  name: string;
  pairs: number;
  /** Of the pairs. */
  seeds: string[];
  lost: { member: number; baseline: number };
  mcnemar: number;
  typical: ReturnType<typeof typicalDifference>;
  p: number;
  sign: number;
  declared: boolean;
  expected: string | undefined;
  holm: number;
  verdict: string;
}

export const rowsOf = (folder: string, file: string): Row[] =>
  z.array(z.record(z.string(), z.string())).parse(parse(readFileSync(join(folder, file)), { columns: true }));
export const has = (row: Row, wanted: Record<string, unknown>) =>
  Object.entries(wanted).every(([name, value]) => row[name] === String(value));
export const distinct = (values: readonly (string | undefined)[]) => [...new Set(values)].map(String);
export const isLost = (row: Row | undefined) => row?.status === 'diverged';

/** Each configuration against the baseline at its setting, seed by seed. */
export function comparedAll(rows: Row[], { compare }: Declaration, called: Called): Compared[] {
  if (compare === undefined) return [];
  const isBaseline = (row: Row) =>
    has(row, typeof compare.baseline === 'string' ? { strategy: compare.baseline } : compare.baseline);
  const [, split = '', name = ''] = /^([a-z]+)_(.*)$/.exec(compare.metric) ?? [];
  const value = `${compare.at}_${split}_${name === 'loss' ? 'loss' : 'metric'}`;
  const score = (row: Row) => {
    const own = Number(row[value]);
    return isLost(row) || Number.isNaN(own) ? -Infinity : called.better === 'higher' ? own : -own;
  };
  const found = distinct(rows.map(called.setting)).flatMap((setting) => {
    const here = rows.filter((row) => called.setting(row) === setting);
    const others = distinct(here.filter((row) => !isBaseline(row)).map(called.config));
    return !here.some(isBaseline)
      ? []
      : others.map((name): Compared => {
          const own = here.filter((row) => called.config(row) === name);
          const pairs = own.flatMap((a) => {
            const b = here.find((row) => isBaseline(row) && row.seed === a.seed);
            return b !== undefined && [a, b].every((row) => isLost(row) || row[value] !== '') ? [{ a, b }] : [];
          });
          const differences = pairs.map(({ a, b }) => (score(a) === score(b) ? 0 : score(a) - score(b)));
          const entry = compare.family?.find(({ expect: _, ...wanted }) => own.every((row) => has(row, wanted)));
          const only = (one: 'a' | 'b', other: 'a' | 'b') =>
            pairs.filter((pair) => isLost(pair[one]) && !isLost(pair[other])).length;
          return {
            setting,
            name,
            pairs: pairs.length,
            seeds: distinct(pairs.map(({ a }) => a.seed)),
            lost: {
              member: pairs.filter(({ a }) => isLost(a)).length,
              baseline: pairs.filter(({ b }) => isLost(b)).length,
            },
            mcnemar: unlikePairs(only('a', 'b'), only('b', 'a')),
            typical: typicalDifference(differences),
            ...signTest(differences),
            declared: compare.family === undefined || entry !== undefined,
            expected: entry?.expect === undefined ? undefined : String(entry.expect),
            holm: 1,
            verdict: 'descriptive',
          };
        });
  });
  const family = found.filter(({ declared }) => declared);
  const [adjusted, least] = [stepDown(family.map(({ p }) => p)), stepDown(family.map(({ pairs }) => leastP(pairs)))];
  for (const [i, one] of family.entries()) {
    one.holm = adjusted[i] ?? 1;
    const can = one.pairs >= 6 && (least[i] ?? 1) <= 0.05;
    one.verdict = !can ? 'not possible' : one.holm > 0.05 ? 'not separated' : one.sign > 0 ? 'better' : 'worse';
  }
  return found;
}
