/** One block of a matrix as cells: the product of all its axes. */
import { z } from 'zod';
import { build, find, parts } from '../parts.ts';
import type { Cell, Choice } from '../types.ts';
import { alternatives, type Located, MOST_CELLS, product } from './axes.ts';
import { chains, choices } from './choices.ts';
import type { Path } from './document.ts';
import { type Fields, fields, seedsSchema } from './fields.ts';
import { withFiles } from './files.ts';
import { type Mistakes, shown } from './mistakes.ts';

/** What a block says, by key, each with its place; keys outside the block are among them. */
export type Block = Map<string, Located<unknown>>;

const rate = z.number().positive().meta({ description: 'the learning rate' });

export const kinds = {
  task: { word: 'task', list: parts.tasks },
  model: { word: 'model', list: parts.models },
  optimizer: { word: 'optimizer', list: parts.optimizers, extra: { learning_rate: rate } },
  strategy: { word: 'strategy', list: parts.strategies },
  schedule: { word: 'schedule', list: parts.schedules },
};

/** Every matrix says these. */
const needed = ['task', 'model', 'optimizer', 'strategy', 'steps', 'seeds'];

/** The keys a block can have. */
export const blockKeys = [...Object.keys(kinds), ...Object.keys(fields.shape), 'seeds'];

/**
 * In matrix order: task, model, schedule, the other fields, optimizer, strategy, seed; the last changes fastest. Files are looked for
 * from `folder`.
 */
export function cellsOf(block: Block, path: Path, folder: string, mistakes: Mistakes): Cell[] {
  const required = <T>(key: string, read: (written: unknown, place: Path) => T[]): T[] => {
    const written = block.get(key);
    if (written !== undefined) return read(written.value, written.path);
    mistakes.at(path, `${key} is missing; every matrix names its ${needed.join(', ')}`);
    return [];
  };
  const tasks = required('task', (written, place) =>
    withFiles(choices(kinds.task, written, place, mistakes), folder, mistakes),
  );
  const models = required('model', (written, place) => choices(kinds.model, written, place, mistakes));
  const optimizers = required('optimizer', (written, place) => choices(kinds.optimizer, written, place, mistakes));
  const strategies = required('strategy', (written, place) => chains(kinds.strategy, written, place, mistakes));
  const { value: schedule, path: place } = block.get('schedule') ?? { value: 'constant', path };
  const schedules = choices(kinds.schedule, schedule, place, mistakes);
  const seeds = required('seeds', (written, place) => seedsOf(written, place, mistakes));
  const settings = required('steps', () => settingsOf(block, path, mistakes));
  refuseMisfits(tasks, models, mistakes);
  refuseControls(tasks, settings, block, mistakes);
  refuseSingles(models, settings, block, mistakes);

  const made = optimizers.map(({ value }) => withRate(value));
  const count = [tasks, models, schedules, settings, optimizers, strategies, seeds].reduce(
    (n, axis) => n * axis.length,
    1,
  );
  if (count > MOST_CELLS) mistakes.at(path, `${count} cells are more than ${MOST_CELLS}; split the matrix`);
  if (mistakes.any()) return [];

  return tasks.flatMap((task) =>
    models.flatMap((model) =>
      schedules.flatMap((schedule) =>
        settings.flatMap((setting) =>
          made.flatMap(({ optimizer, learning_rate }) =>
            strategies.flatMap((strategy) =>
              seeds.map((seed) => ({
                task: task.value,
                model: model.value,
                optimizer,
                learning_rate,
                schedule: schedule.value,
                strategy: strategy.value,
                seed,
                ...setting,
                phase: 'confirm',
              })),
            ),
          ),
        ),
      ),
    ),
  );
}

/** The rate stands beside the optimizer in a cell. Split here, so that cells share the optimizer. */
function withRate({ name, options }: Choice): { optimizer: Choice; learning_rate: number } {
  const { learning_rate, ...others } = options;
  return { optimizer: { name, options: others }, learning_rate: Number(learning_rate) };
}

function settingsOf(block: Block, path: Path, mistakes: Mistakes): Fields[] {
  const written = Object.keys(fields.shape).flatMap((field) => {
    const located = block.get(field);
    return located === undefined ? [] : [{ field, located }];
  });
  const axes = written.map(({ field, located }) =>
    alternatives(located.value, located.path, mistakes).map((member) => ({ field, ...member })),
  );
  return product(axes, path, mistakes).flatMap((members) => {
    const given = Object.fromEntries(members.map(({ field, value }) => [field, value]));
    const checked = fields.safeParse(given);
    const pathOf = (field: string) => members.find((member) => member.field === field)?.path ?? path;
    mistakes.beyondFloat32('the matrix', given, pathOf);
    if (checked.success) return [checked.data];
    mistakes.issues('the matrix', checked.error.issues, given, path, pathOf);
    return [];
  });
}

function seedsOf(written: unknown, path: Path, mistakes: Mistakes): number[] {
  const checked = seedsSchema.safeParse(written);
  if (!checked.success) {
    mistakes.at(path, `seeds is ${shown(written)}; give a number of seeds such as 6, or a list such as [0, 1, 2]`);
    return [];
  }
  if (typeof checked.data === 'number') return Array.from({ length: checked.data }, (_, seed) => seed);
  return alternatives(checked.data, path, mistakes).map(({ value }) => Number(value));
}

/** Controls on the loss, and the kind of task that each is for. */
const lossControls = [
  ['label_smoothing', 'classification'],
  ['label_noise', 'classification'],
  ['huber', 'regression'],
] as const;

/** Controls that mean nothing for a task, and updates that don't fall into equal micro-batches. */
function refuseControls(tasks: Located<Choice>[], settings: Fields[], block: Block, mistakes: Mistakes): void {
  const pathOf = (field: string) => block.get(field)?.path ?? [];
  for (const { value: task } of tasks) {
    const { kind } = build(find(parts.tasks, task.name), task);
    for (const [field, meant] of lossControls) {
      if (kind === meant || settings.every((setting) => setting[field] === 0)) continue;
      mistakes.at(pathOf(field), `${field} means nothing for the loss of task "${task.name}"; leave it out, or at 0`);
    }
  }
  const uneven = settings.find(({ batch_size, accumulate }) => batch_size % accumulate !== 0);
  if (uneven === undefined) return;
  mistakes.at(
    pathOf('accumulate'),
    `accumulate ${uneven.accumulate} doesn't divide batch_size ${uneven.batch_size}; the examples of an update fall into equal micro-batches`,
  );
}

/** Batch norm over one example leaves nothing of it; it sees micro-batches, not the whole batch. */
function refuseSingles(models: Located<Choice>[], settings: Fields[], block: Block, mistakes: Mistakes): void {
  const model = models.find(({ value }) => value.options.norm === 'batch');
  const single = settings.find(({ batch_size, accumulate }) => batch_size / accumulate === 1);
  if (model === undefined || single === undefined) return;
  mistakes.at(
    block.get(single.accumulate > 1 ? 'accumulate' : 'batch_size')?.path ?? model.path,
    `batch norm of model "${model.value.name}" would see one example at a time; give it two at least, or another norm`,
  );
}

/** A model that can't read a task's examples is a mistake now, not a failure of every run later. */
function refuseMisfits(tasks: Located<Choice>[], models: Located<Choice>[], mistakes: Mistakes): void {
  for (const task of tasks) {
    const { shape } = build(find(parts.tasks, task.value.name), task.value);
    for (const model of models) {
      const refusal = build(find(parts.models, model.value.name), model.value).refuse?.(shape);
      if (refusal !== undefined) {
        mistakes.at(model.path, `model "${model.value.name}" ${refusal}, as task "${task.value.name}" has`);
      }
    }
  }
}
