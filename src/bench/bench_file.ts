/** A bench file: one question of speed, and the variants whose times are to answer it. */
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Located } from '../matrix/axes.ts';
import { alternatives } from '../matrix/axes.ts';
import { type Block, blockKeys, cellsOf, kinds } from '../matrix/block.ts';
import { choices, isRecord } from '../matrix/choices.ts';
import { parseDocument, readText } from '../matrix/document.ts';
import { blocksOf } from '../matrix/experiment.ts';
import { unsaid } from '../matrix/fields.ts';
import { checkKeys, type Mistakes, mistakesIn, shown } from '../matrix/mistakes.ts';
import { build, find, parts } from '../parts.ts';
import { UsageError } from '../types.ts';
import { cellGroups } from './cell_groups.ts';
import { clipGroups } from './clip_groups.ts';
import { runGroups } from './run_groups.ts';
import { usualStrategies } from './usual.ts';
import type { Bench, Group } from './variant.ts';

const count = z.int().min(1);
const axis = <T extends z.ZodType>(member: T) => z.union([member, z.array(member).min(1)]);

/** Beside these a file has the keys of an experiment. */
export const benchSchema = z.object({
  question: z.string().trim().min(1).describe('what the times are to answer, in a sentence'),
  measure: z
    .enum(['clip', 'step', 'training', 'run'])
    .describe(
      'clip: a strategy on made-up gradients; step: a training step; training: whole runs; run: `clipbench run`',
    ),
  backend: axis(z.enum(['auto', 'native', 'wasm', 'cpu']))
    .default('auto')
    .describe('what computes'),
  engine: axis(z.enum(['compiled', 'eager']))
    .default('compiled')
    .describe('compiled steps, or op by op'),
  processes: z
    .int()
    .min(3)
    .max(100)
    .default(6)
    .describe('fresh processes: the unit of evidence; six give 95 % intervals'),
  samples: z
    .int()
    .min(4)
    .max(1000)
    .multipleOf(4)
    .default(8)
    .describe('of each variant in each process, over four passes'),
  sample_ms: z.number().min(1).max(10_000).default(10).describe('a sample is at least so long, of several calls'),
  seed: z.int().min(0).default(0).describe('of the order in which variants take turns'),
  baseline: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .default({ strategy: 'none' })
    .describe('what ratios are to, by what differs from it: {strategy: none}, {telemetry: off}'),
  growth: z
    .enum(['entries', 'tensors', 'parameters', 'length', 'workers', 'cells'])
    .exactOptional()
    .describe('the size over which the growth of each time is fitted'),
  gradients: z
    .strictObject({ entries: axis(count.max(1e9)), tensors: axis(count.max(100_000)).default(1) })
    .exactOptional()
    .describe('of measure clip: how many numbers, in how many tensors'),
  workers: axis(count.max(1000)).exactOptional().describe('of measure run: processes that share the runs'),
  cells: axis(count.max(100_000)).exactOptional().describe('of measure run: so many runs, by the number of seeds'),
});
export type BenchSettings = z.infer<typeof benchSchema>;

const benchKeys = Object.keys(benchSchema.shape);

/** @throws UsageError with every mistake, one per line, as file:line:column */
export const loadBench = (file: string): Bench => parseBench(readText(file), file);

/** The same from its text; `file` is the name shown in messages. */
export function parseBench(text: string, file: string): Bench {
  const document = parseDocument(text, file);
  const mistakes = mistakesIn(document);
  const top = document.value;
  if (!isRecord(top))
    throw new UsageError(`${file}:1:1: the file holds ${shown(top)}; it takes question, measure, ... as keys`);
  checkKeys(top, [], [...benchKeys, 'matrix', ...blockKeys], mistakes);
  const own = Object.fromEntries(Object.entries(top).filter(([key]) => benchKeys.includes(key)));
  const checked = benchSchema.safeParse(own);
  if (!checked.success) mistakes.issues('the bench', checked.error.issues, own, [], (key) => [key]);
  mistakes.stop();
  const settings = benchSchema.parse(own);
  const { question, measure, growth, processes, samples, sample_ms, seed } = settings;
  const notes: string[] = [];
  const groups = groupsOf(top, settings, dirname(file), notes, mistakes);
  checkGroups(groups, settings, mistakes);
  mistakes.stop();
  const how = { processes, samples, sample_ms, seed, ...(growth !== undefined && { growth }) };
  return { file, text, question, measure, ...how, groups, notes };
}

function groupsOf(
  top: Record<string, unknown>,
  settings: BenchSettings,
  folder: string,
  notes: string[],
  mistakes: Mistakes,
): Group[] {
  if (settings.measure === 'clip') return clipGroups(top, settings, notes, mistakes);
  const outside = [...benchKeys, 'matrix'];
  const blocks = blocksOf(top, outside, mistakes).map(({ block, path }) => ({
    block: complete(block, notes, mistakes),
    path,
  }));
  if (settings.measure === 'run') return blocks.flatMap((each) => runGroups(each, settings, folder, mistakes));
  const cells = blocks.map(({ block, path }) => cellsOf(block, path, folder, mistakes));
  return cellGroups(cells.flat(), settings, mistakes);
}

/** What an experiment has to say and a measurement needn't. */
function complete(block: Block, notes: string[], mistakes: Mistakes): Block {
  const made = new Map(block);
  const given = (key: string, value: unknown) => {
    if (!made.has(key)) made.set(key, { value, path: [] });
  };
  given('steps', 100);
  given('seeds', [0]);
  const strategy = made.get('strategy');
  if (strategy?.value === 'all') made.set('strategy', all(made, strategy, notes, mistakes));
  return made;
}

/** Those that can act here, at their usual options. */
function all(block: Block, { path }: Located<unknown>, notes: string[], mistakes: Mistakes): Located<unknown> {
  const accumulate = block.get('accumulate') ?? { value: unsaid.accumulate, path };
  const [count, ...more] = alternatives(accumulate.value, accumulate.path, mistakes);
  if (more.length > 0) mistakes.at(path, 'strategy all takes one accumulate; give each its block under matrix');
  const { value: written, path: place } = block.get('model') ?? { value: [], path };
  const models = choices(kinds.model, written, place, mistakes).map(({ value }) => value);
  const without = models.find((model) => !build(find(parts.models, model.name), model).sites);
  const value = usualStrategies(count?.value !== 1).filter(({ name }) => {
    const acts = without === undefined || find(parts.strategies, String(name)).needs !== 'backward';
    if (!acts) notes.push(`${name} finds no place to act in model ${without?.name}, so it isn't measured there`);
    return acts;
  });
  return { value, path };
}

function checkGroups(
  groups: readonly Group[],
  { measure, growth, gradients, workers, cells }: BenchSettings,
  mistakes: Mistakes,
): void {
  if ((measure === 'clip') !== (gradients !== undefined))
    mistakes.at(
      ['gradients'],
      `measure is ${measure}, and gradients are ${shown(gradients)}; they are what measure clip works on`,
    );
  if (measure !== 'run' && (workers !== undefined || cells !== undefined))
    mistakes.at(
      [workers === undefined ? 'cells' : 'workers'],
      `measure is ${measure}; workers and cells are of measure run`,
    );
  if (mistakes.any()) return;
  const names = groups.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) mistakes.at(['matrix'], `two groups are called ${twice}; remove one`);
  if (growth === undefined) return;
  const sizes = new Set(groups.flatMap(({ variants }) => variants.map(({ facts }) => facts[growth])));
  sizes.delete(undefined);
  if (sizes.size < 2)
    mistakes.at(
      ['growth'],
      `growth is over ${growth}, of which there ${sizes.size === 1 ? 'is one value' : 'is none'}; give several`,
    );
}
