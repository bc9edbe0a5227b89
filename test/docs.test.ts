import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { experimentSchema } from '../scripts/docs/experiment_schema.ts';
import { generatedTexts } from '../scripts/docs/texts.ts';
import { blockKeys, kinds } from '../src/matrix/block.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { parts } from '../src/parts.ts';

const schema = z.object({
  properties: z.record(z.string(), z.unknown()),
  definitions: z.record(z.string(), z.unknown()),
});
const root = new URL('..', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');

test('generated texts are what `npm run docs` writes', () => {
  for (const [file, text] of Object.entries(generatedTexts(read)))
    assert.equal(read(file), text, `${file}: run npm run docs`);
});

test('the README has a table for every kind of part', () => {
  for (const kind of [...Object.keys(parts), 'controls']) {
    assert.ok(read('README.md').includes(`<!-- generated: ${kind} -->`), kind);
  }
});

test('the schema knows every key of a matrix, and every part', () => {
  const { properties, definitions } = schema.parse(experimentSchema());
  assert.deepEqual(Object.keys(properties).sort(), ['question', 'compare', 'tune', 'matrix', ...blockKeys].sort());
  for (const { word, list } of Object.values(kinds)) {
    for (const { name } of list)
      assert.ok(JSON.stringify(definitions[`one_${word}`]).includes(`"const":"${name}"`), name);
  }
});

test("the README's matrix is valid, and its mistake is reported as shown", () => {
  const matrix =
    /```yaml\n# experiments\/mine\.yaml\n([\s\S]*?)```/
      .exec(read('README.md'))?.[0]
      .split('\n')
      .slice(1, -1)
      .join('\n') ?? '';
  assert.equal(parseExperiment(matrix, 'experiments/mine.yaml').cells.size, 2 * 2 * 5 * 6);
  const slip = matrix.replace('name: global_norm, max_norm: [', 'name: globl_norm, max_norm: [');
  assert.throws(
    () => parseExperiment(slip, 'experiments/mine.yaml'),
    (error: Error) => read('README.md').includes(`\n${error.message}\n`),
  );
});

test('links of the README lead somewhere', () => {
  const links = [...read('README.md').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
  for (const link of links) assert.ok(existsSync(new URL(link, root)), link);
});
