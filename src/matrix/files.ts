/** The files that tasks read: found from the experiment file, and looked at, so that a cell holds what they hold. */
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { sha256Of } from '../data/user_file.ts';
import { build, fileOptions, find, parts } from '../parts.ts';
import { type Choice, UsageError } from '../types.ts';
import type { Located } from './axes.ts';
import type { Mistakes } from './mistakes.ts';

/**
 * The tasks with their files' sha256 filled in, and paths that hold from where clipbench was called. Each is made once, so that what is wrong with a file is a
 * mistake now, not a failure of every run later.
 *
 * @param folder of the experiment file
 */
export function withFiles(tasks: Located<Choice>[], folder: string, mistakes: Mistakes): Located<Choice>[] {
  return tasks.flatMap(({ value, path }) => {
    try {
      const choice = located(value, folder);
      build(find(parts.tasks, choice.name), choice);
      return [{ value: choice, path }];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      mistakes.at(path, error.message);
      return [];
    }
  });
}

function located({ name, options }: Choice, folder: string): Choice {
  const found = fileOptions(find(parts.tasks, name)).flatMap((option) => {
    const written = options[option];
    if (typeof written !== 'string') {
      if (options[`${option}_sha256`] === undefined) return [];
      throw new UsageError(`${name} has ${option}_sha256 and no ${option}; name the file too, or leave both out`);
    }
    const path = nearby(resolve(folder, written));
    const sha256 = sha256Of(path);
    const wanted = options[`${option}_sha256`] ?? sha256;
    if (wanted === sha256) return [Object.entries({ [option]: path, [`${option}_sha256`]: sha256 })];
    throw new UsageError(
      `${path}: its sha256 is ${sha256}, not ${wanted} as ${option}_sha256 says; give that file, or leave the sha256 out`,
    );
  });
  return { name, options: { ...options, ...Object.fromEntries(found.flat()) } };
}

/** From the working folder where it is in there, so that results in a repository can be verified in a copy of it. */
function nearby(path: string): string {
  const short = relative(process.cwd(), path);
  return short.split(sep)[0] === '..' || isAbsolute(short) ? path : short;
}
