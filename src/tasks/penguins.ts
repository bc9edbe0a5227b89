import { createHash } from 'node:crypto';
import { z } from 'zod';
import { crossEntropy, type Share, shareOption, shares } from '../data/classification.ts';
import { fixed } from '../data/fixed.ts';
import { once } from '../data/once.ts';
import { packagedFile } from '../data/packaged.ts';
import { tableExamples } from '../data/table.ts';
import type { TaskPart } from '../types.ts';

const MEASUREMENTS = ['Beak Length (mm)', 'Beak Depth (mm)', 'Flipper Length (mm)', 'Body Mass (g)'];
const KINDS = ['Island', 'Sex'];
const SPECIES = 'Species';

/** What stands where an animal's sex wasn't told. */
const UNTOLD: unknown[] = [null, '.'];

export const penguins: TaskPart<{ metric: Share }> = {
  name: 'penguins',
  summary:
    'Tell three species of penguins by four measurements, island and sex: 233 of 333 animals to train, 50 to validate, 50 to test.',
  equation: 'beak length and depth, flipper length, body mass, one-hot island [3] and sex [2] -> species',
  reference:
    'Gorman, Williams & Fraser 2014 (Palmer penguins), as in npm `vega-datasets` 3.2.1 without the 11 animals whose sex is not told, 2 of which were not measured either',
  options: z.strictObject({ metric: shareOption }),
  make: ({ metric }) => ({
    ...fixed({ input: [MEASUREMENTS.length + 3 + 2], output: 3 }, () => animals().splits),
    kind: 'classification',
    loss: crossEntropy,
    metric: shares[metric],
    data: () => ({ 'npm vega-datasets 3.2.1, penguins.json': animals().sha256 }),
  }),
};

const animals = once(() => {
  const bytes = packagedFile('vega-datasets', '..', 'data', 'penguins.json');
  const rows = z
    .array(z.record(z.string(), z.union([z.string(), z.number(), z.null()])))
    .parse(JSON.parse(String(bytes)));
  const columns = [...MEASUREMENTS, ...KINDS, SPECIES];
  const known = rows.filter((row) => columns.every((column) => !UNTOLD.includes(row[column])));
  const table = {
    file: 'penguins.json',
    columns,
    rows: known.map((row, line) => ({ line, values: columns.map((column) => String(row[column])) })),
  };
  const { splits } = tableExamples(table, { target: SPECIES, kind: 'classification', categorical: KINDS, ignore: [] });
  return { splits, sha256: createHash('sha256').update(bytes).digest('hex') };
});
