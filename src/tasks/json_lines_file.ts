import { readJsonLines } from '../data/json_lines.ts';
import { type TableOptions, tableOptions, tableTask } from '../data/table_task.ts';
import type { TaskPart } from '../types.ts';

export const json_lines_file: TaskPart<TableOptions> = {
  name: 'json_lines_file',
  summary: 'As `csv_file`, from a file with a JSON object on every line.',
  equation: 'numbers and one-hot categories [features] -> class, or standardized number',
  reference: 'jsonlines.org; every object has the same keys, values are numbers, texts, true or false',
  options: tableOptions,
  make: (options) => tableTask('JSON Lines', readJsonLines, options),
};
