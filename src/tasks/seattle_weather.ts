import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readCsv } from '../data/csv.ts';
import { fixed, type Splits } from '../data/fixed.ts';
import { once } from '../data/once.ts';
import { packagedFile } from '../data/packaged.ts';
import { mse, squaredError } from '../data/regression.ts';
import { scaleOf, standardized } from '../data/standardize.ts';
import type { Batch, Split, TaskPart } from '../types.ts';

/** What is known of a day; the one to be forecast comes first. */
const MEASURED = ['temp_max', 'temp_min', 'precipitation', 'wind'];

export const seattle_weather: TaskPart<{ length: number }> = {
  name: 'seattle_weather',
  summary:
    "Forecast tomorrow's highest temperature from the last days in Seattle: 2012 and 2013 to train, 2014 to validate, 2015 to test.",
  equation: 'days (temp_max, temp_min, precipitation, wind) [length, 4] -> temp_max of the next day, all standardized',
  reference:
    "NOAA's daily records as in npm `vega-datasets` 3.2.1; errors are in squares of the training years' standard deviation of temp_max (7.3 degrees Celsius), in which today's temperature as the forecast has 0.16; no window reaches over the end of a split",
  options: z.strictObject({
    length: z.int().min(1).max(200).default(14).meta({ description: 'days that are looked at', role: 'structural' }),
  }),
  make: ({ length }) => ({
    ...fixed({ input: [length, MEASURED.length], output: 1 }, () => windowsOf(length)),
    kind: 'regression',
    loss: squaredError,
    metric: mse,
    data: () => ({ 'npm vega-datasets 3.2.1, seattle-weather.csv': weather().sha256 }),
  }),
};

const splitOf = (date: string): Split => (date < '2014' ? 'train' : date < '2015' ? 'val' : 'test');

/** Days of each split in order of time, each as standardized measurements. */
const weather = once(() => {
  const bytes = packagedFile('vega-datasets', '..', 'data', 'seattle-weather.csv');
  const { columns, rows } = readCsv('seattle-weather.csv', String(bytes));
  const valuesOf = (column: string) => rows.map(({ values }) => values[columns.indexOf(column)] ?? '');
  const splits = valuesOf('date').map(splitOf);
  const measured = MEASURED.map((column) => {
    const values = valuesOf(column).map(Number);
    const scale = scaleOf(values.filter((_, day) => splits[day] === 'train'));
    return values.map((value) => standardized(value, scale));
  });
  const days: Record<Split, number[][]> = { train: [], val: [], test: [] };
  splits.forEach((split, day) => {
    days[split].push(measured.map((values) => values[day] ?? 0));
  });
  return { days, sha256: createHash('sha256').update(bytes).digest('hex') };
});

/** Every `length` days in a row that have a next one. */
function windowsOf(length: number): Splits {
  const windows = (days: number[][]): Batch => {
    const size = days.length - length;
    const starts = Array.from({ length: size }, (_, start) => start);
    return {
      size,
      x: Float32Array.from(starts.flatMap((start) => days.slice(start, start + length).flat())),
      y: Float32Array.from(starts, (start) => days[start + length]?.[0] ?? 0),
    };
  };
  const { train, val, test } = weather().days;
  return { train: windows(train), val: windows(val), test: windows(test) };
}
