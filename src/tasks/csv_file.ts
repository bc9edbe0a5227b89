import { z } from 'zod';
import { type Delimiter, delimiters, readCsv } from '../data/csv.ts';
import { type TableOptions, tableOptions, tableTask } from '../data/table_task.ts';
import type { TaskPart } from '../types.ts';

type CsvOptions = TableOptions & { delimiter: Delimiter };

export const csv_file: TaskPart<CsvOptions> = {
  name: 'csv_file',
  summary:
    'Learn a column of your own CSV file from the others: 70 % of the rows to train, 15 % to validate, 15 % to test.',
  equation: 'numbers and one-hot categories [features] -> class, or standardized number',
  reference:
    'RFC 4180 with a header and UTF-8; rows are split at random, the same way in every run, with the same share of each class',
  options: tableOptions.extend({
    delimiter: z
      .enum(Object.keys(delimiters))
      .default('comma')
      .meta({ description: 'what stands between two columns', role: 'structural' }),
  }),
  make: (options) =>
    tableTask(`CSV ${options.delimiter}`, (file, text) => readCsv(file, text, options.delimiter), options),
};
