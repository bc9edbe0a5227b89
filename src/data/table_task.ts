/** Learning a column of a user's table from the others; the tasks differ in how the table is written. */
import { z } from 'zod';
import { type Task, UsageError } from '../types.ts';
import { crossEntropy, type Share, shareOption, shares } from './classification.ts';
import { fixed } from './fixed.ts';
import { onceByKey } from './once.ts';
import { mse, squaredError } from './regression.ts';
import { type Meaning, type Table, tableExamples } from './table.ts';
import { pathOption, readUtf8, sha256Of, sha256Option } from './user_file.ts';

export type TableOptions = Meaning & { path: string; path_sha256?: string; metric?: Share };

export const tableOptions = z.strictObject({
  path: pathOption('the file'),
  path_sha256: sha256Option('path'),
  target: z.string().min(1).meta({ description: 'the column to be learned', role: 'structural' }),
  kind: z.enum(['classification', 'regression']).default('classification').meta({
    description: 'classification: the target names a class; regression: it is a number',
    role: 'structural',
  }),
  categorical: columnsOption('columns that hold kinds of things, NA among them; the others hold numbers'),
  ignore: columnsOption('columns that are left out'),
  metric: shareOption.unwrap().exactOptional().meta({
    description: 'of classes; accuracy where nothing is said',
    role: 'structural',
    measure: true,
  }),
});

function columnsOption(description: string) {
  return z.array(z.string()).default([]).meta({ description, role: 'structural' });
}

const loaded = onceByKey<ReturnType<typeof tableExamples>>();

/**
 * The table is read, and checked as a whole, where the task is made: what shape it has depends on all of it.
 *
 * @param format names what `read` does
 * @throws UsageError as `readUtf8`, `read` and `tableExamples` do
 */
export function tableTask(format: string, read: (file: string, text: string) => Table, options: TableOptions): Task {
  const { path, path_sha256 = sha256Of(path), target, kind, categorical, ignore, metric } = options;
  if (kind === 'regression' && metric !== undefined) {
    throw new UsageError(`metric ${metric} is of classes, and kind is regression, whose metric is mse; leave it out`);
  }
  const meaning = { target, kind, categorical, ignore };
  const { shape, splits } = loaded(JSON.stringify([format, path_sha256, meaning]), () =>
    tableExamples(read(path, readUtf8(path, path_sha256)), meaning),
  );
  return {
    ...fixed(shape, () => splits),
    kind,
    ...(kind === 'classification'
      ? { loss: crossEntropy, metric: shares[metric ?? 'accuracy'] }
      : { loss: squaredError, metric: mse }),
    data: () => ({ [path]: path_sha256 }),
  };
}
