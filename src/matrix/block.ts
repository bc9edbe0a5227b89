/** One block of a matrix as cells: the product of all its axes. */
import { z } from 'zod';
import { clipOf, placementOptions } from '../clipping/placement.ts';
import { parts } from '../parts.ts';
import type { Cell, Choice } from '../types.ts';
import { alternatives, type Located, MOST_CELLS, product } from './axes.ts';
import { chains, choices } from './choices.ts';
import type { Path } from './document.ts';
import { acting, type Fields, fields, seedsSchema } from './fields.ts';
import { withFiles } from './files.ts';
import { refuseMisfits } from './misfits.ts';
import { type Mistakes, shown } from './mistakes.ts';

/** What a block says, by key, each with its place; keys outside the block are among them. */
export type Block = Map<string, Located<unknown>>;

const rate = z.number().positive().meta({ description: 'the learning rate' });

export const kinds = {
  task: { word: 'task', list: parts.tasks },
  model: { word: 'model', list: parts.models },
  optimizer: { word: 'optimizer', list: parts.optimizers, extra: { learning_rate: rate } },
  strategy: { word: 'strategy', list: parts.strategies, extra: placementOptions },
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
  const strategies = required('strategy', (written, place) => chains(kinds.strategy, written, place, mistakes)).map(
    ({ value, path: at }) => ({ value: value.map(({ name, options }) => clipOf(name, options)), path: at }),
  );
  const { value: schedule, path: place } = block.get('schedule') ?? { value: 'constant', path };
  const schedules = choices(kinds.schedule, schedule, place, mistakes);
  const seeds = required('seeds', (written, place) => seedsOf(written, place, mistakes));
  const settings = required('steps', () => settingsOf(block, path, mistakes));
  const pathOf = (key: string) => block.get(key)?.path;
  refuseMisfits({ tasks, models, schedules, optimizers, strategies, settings, pathOf }, mistakes);

  const acted = settings.map(acting);
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
        acted.flatMap((setting) =>
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
