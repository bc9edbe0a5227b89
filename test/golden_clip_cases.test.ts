/** That no case of test/golden/clip.json is left out silently. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chosenBy } from '../src/apply/spec.ts';
import { catalogue, namesInCatalogue } from '../src/catalogue.ts';
import { parts } from '../src/parts.ts';
import { UsageError } from '../src/types.ts';
import { allGoldenCases, goldenSemantics, goldenTests } from './support/golden_clip.ts';

const numbers = [...new Set(allGoldenCases.map(({ strategy }) => strategy))].sort();

test('there are cases for S00 to S33, as many as there were', () => {
  assert.equal(numbers.length, 34);
  assert.equal(allGoldenCases.length, 266);
});

test('the catalogue has every number', () => {
  assert.deepEqual(Object.keys(catalogue).sort(), numbers);
});

test('every case is run by one test file', () => {
  for (const example of allGoldenCases) {
    const files = Object.keys(goldenTests).filter((file) => goldenTests[file]?.(example));
    assert.equal(files.length, 1, `${example.id}: ${files.join(', ')}`);
  }
});

test('the files run all that they are said to run', () => {
  for (const file of Object.keys(goldenTests)) {
    const text = readFileSync(new URL(`${file}.test.ts`, import.meta.url), 'utf8');
    assert.ok(text.includes(`goldenCases('${file}'`), file);
  }
});

test('a part has the numbers of all entries that it is among', () => {
  assert.deepEqual(['global_norm', 'lars', 'larc', 'trust_ratio', 'adam'].flatMap(namesInCatalogue), [
    'S03',
    'S26',
    'S16',
    'S16',
    'S16',
  ]);
});

test('an entry takes names of ours beside its own, and refuses a parameter that neither knows', () => {
  const limitOf = (given: Record<string, unknown>) => chosenBy({ name: 'S03', ...given }).clips[0]?.options.max_norm;
  assert.equal(limitOf({ maxNorm: 2, p: 'inf' }), 2);
  assert.equal(limitOf({ max_norm: 3 }), 3);
  assert.throws(() => limitOf({ maxNorm: 2, clipNorm: 3 }), UsageError);
});

// A case of S33 is one without a bound: nothing to write.
test('a parameter that says what a strategy does anyway may not say anything else', () => {
  assert.equal(chosenBy({ name: 'S16', trustCoefficient: 1, eps: 0, minNorm: 0 }).clips[0]?.name, 'trust_ratio');
  assert.throws(() => chosenBy({ name: 'S16', trustCoefficient: 1, minNorm: 0.1 }), {
    message: 'strategy S16: minNorm is 0.1; trust_ratio computes with 0; leave it out',
  });
});

for (const example of allGoldenCases.filter(({ params, expected }) => params.c !== null && expected.throws !== true)) {
  test(`${example.id}: its parameters are options that a user may write`, () => {
    const { strategy, params } = example;
    const { clips, optimizer } = chosenBy({ name: strategy, params, semantics: goldenSemantics(example) });
    const names = [...clips, ...(optimizer ? [optimizer] : [])].map(({ name }) => name);
    // S26 is of a strategy beside an optimizer.
    assert.ok(names.length === 1 || (strategy === 'S26' && names.length === 2), names.join());
    const known = [...parts.strategies, ...parts.optimizers].map(({ name }) => name);
    assert.ok(known.includes(names[0] ?? ''));
  });
}
