import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accuracy, crossEntropy } from '../data/classification.ts';
import { fixed } from '../data/fixed.ts';
import { once } from '../data/once.ts';
import { packagedFile } from '../data/packaged.ts';
import { tableExamples } from '../data/table.ts';
import type { TaskPart } from '../types.ts';

const MEASUREMENTS = ['Beak Length (mm)', 'Beak Depth (mm)', 'Flipper Length (mm)', 'Body Mass (g)'];
const SPECIES = 'Species';

export const penguins: TaskPart = {
  name: 'penguins',
  summary:
    'Tell three species of penguins by four measurements: 240 of 342 animals to train, 51 to validate, 51 to test.',
  equation: 'beak length and depth, flipper length, body mass [4] -> species',
  reference:
    'Gorman, Williams & Fraser 2014 (Palmer penguins), as in npm `vega-datasets` 3.2.1 without the 2 animals that were not measured; island and sex are left out: an island gives species away, and 11 animals have no sex',
  options: z.strictObject({}),
  make: () => ({
    ...fixed({ input: [MEASUREMENTS.length], output: 3 }, () => animals().splits),
    kind: 'classification',
    loss: crossEntropy,
    metric: accuracy,
    data: () => ({ 'npm vega-datasets 3.2.1, penguins.json': animals().sha256 }),
  }),
};

const animals = once(() => {
  const bytes = packagedFile('vega-datasets', '..', 'data', 'penguins.json');
  const rows = z
    .array(z.record(z.string(), z.union([z.string(), z.number(), z.null()])))
    .parse(JSON.parse(String(bytes)));
  const columns = [...MEASUREMENTS, SPECIES];
  const measured = rows.filter((row) => columns.every((column) => row[column] !== null));
  const table = {
    file: 'penguins.json',
    columns,
    rows: measured.map((row, line) => ({ line, values: columns.map((column) => String(row[column])) })),
  };
  const { splits } = tableExamples(table, { target: SPECIES, kind: 'classification', categorical: [], ignore: [] });
  return { splits, sha256: createHash('sha256').update(bytes).digest('hex') };
});
