/** Finding parts by name, and what the schemas of their options say. */
import * as models from './models/index.ts';
import * as tasks from './tasks/index.ts';
import { find, metaOf, transforms } from './transforms.ts';
import type { Choice, ModelPart, Options, Part, TaskPart } from './types.ts';

export * from './transforms.ts';

/** What each index lists, sorted by name. */
export const parts = {
  strategies: transforms.strategies,
  optimizers: transforms.optimizers,
  models: Object.values<ModelPart>(models),
  tasks: Object.values<TaskPart>(tasks),
  schedules: transforms.schedules,
};

/** Names of a part's options that name files: each has a partner that says what is in the file, `path_sha256` for `path`. */
export function fileOptions(part: Part<Options, unknown>): string[] {
  return Object.keys(part.options.shape).filter((name) => `${name}_sha256` in part.options.shape);
}

/** A choice as far as it shapes a run: of a file, what is in it and not where it lies. */
export function contentOf<T>({ name, options }: { name: string; options: Record<string, T> }) {
  const kept = Object.entries(options).filter(([option]) => !(`${option}_sha256` in options));
  return { name, options: Object.fromEntries(kept) };
}

/** A task as far as it shapes its examples: streams of random numbers are named by that. */
export function examplesOf(task: Choice): Choice {
  const { shape } = find(parts.tasks, task.name).options;
  const { name, options } = contentOf(task);
  const kept = Object.entries(options).filter(
    ([option]) => shape[option] === undefined || !metaOf(shape[option])?.measure,
  );
  return { name, options: Object.fromEntries(kept) };
}
