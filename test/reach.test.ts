import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { reachText } from '../src/cli/reach-text.ts';
import { stream } from '../src/engine/random.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { reachOf } from '../src/matrix/reach.ts';
import { declaredComparison } from '../src/report/comparison.ts';
import { design } from '../src/report/design.ts';
import { pilotOf } from '../src/report/pilot.ts';
import { clipbench, experimentFile, temporaryFolder } from './support/clipbench.ts';
import { synthetic, writeSynthetic } from './support/synthetic.ts';

const matrix = (compare: string, seeds = '8') => `
question: q
seeds: ${seeds}
steps: 2
task: {name: adding, length: 10}
model: {name: rnn, hidden: [[2]]}
optimizer: {name: sgd, learning_rate: [0.1, 1]}
strategy: [none, {name: norm, max_norm: [0.1, 1]}, {name: value, clip_value: 1}]
compare: ${compare}
`;
const reach = (compare: string, seeds?: string) => {
  const { compare: declared, cells } = parseExperiment(matrix(compare, seeds), 'x.yaml');
  return reachOf(declared, cells.values());
};
const metric = 'metric: val_loss, at: final';

test('without a family all configurations but the baseline are compared, at every setting', () => {
  assert.deepEqual(reach(`{baseline: none, ${metric}}`), {
    comparisons: 6,
    fewest: 8,
    most: 8,
    smallest: { p: 2 / 256, holm: 12 / 256 },
  });
});

test('a family is those that it names, and what it compares across settings', () => {
  const named = reach(`{baseline: none, ${metric}, family: [{strategy: norm, learning_rate: 1}]}`);
  assert.equal(named?.comparisons, 2);
  const across = `{baseline: none, ${metric}, family: [{strategy: value, learning_rate: 1, against: {strategy: none, learning_rate: 0.1}}]}`;
  assert.equal(reach(across)?.comparisons, 1);
});

test('it is what the report finds when all has run', () => {
  const wanted = { models: [{ name: 'rnn', options: { hidden: [64] } }], diverging: false, steps: 12 };
  const compare = { baseline: 'none', metric: 'val_accuracy', at: 'final' as const };
  const made = synthetic({ ...wanted, rates: [0.1, 1], compare });
  const declared = declaredComparison(design(made.runs, made.manifest), made.manifest);
  assert.equal(declared?.family, 18);
  const expected = reach(`{baseline: none, ${metric}}`, '6');
  assert.deepEqual(expected?.smallest, { p: 1 / 32, holm: Math.min(1, 6 / 32) });
  assert.deepEqual(declared?.smallest, { p: 1 / 32, holm: Math.min(1, 18 / 32) });
});

test('with seeds too few for a verdict it says how many it takes', () => {
  const found = reach(`{baseline: none, ${metric}}`, '5');
  assert.ok(found);
  assert.match(
    reachText(found, stream('a test')),
    /is 0\.063, 0\.38 after Holm; so no verdict is possible\. It takes 8 seeds, or fewer comparisons/,
  );
});

test('a pilot turns standard deviations into the unit of the metric', async (context) => {
  const folder = temporaryFolder(context);
  const made = synthetic({
    steps: 12,
    diverging: false,
    compare: { baseline: 'none', metric: 'val_accuracy', at: 'final' },
  });
  const { deviations, metric: name } = await pilotOf(await writeSynthetic(join(folder, 'made'), made));
  assert.equal(name, 'val_accuracy');
  assert.ok(deviations.length > 10 && deviations.every((deviation) => deviation > 0 && deviation < 1));
  const found = reachOf(parseExperiment(matrix(`{baseline: none, ${metric}}`), 'x.yaml').compare, []);
  assert.equal(found, undefined);
  const one = { comparisons: 1, fewest: 10, most: 10, smallest: { p: 0.002, holm: 0.002 } };
  assert.match(
    reachText(one, stream('a test'), { folder: 'results/x', metric: 'val_loss', deviations: [0.5, 2] }),
    /of (1|0\.99|0\.98|1\.1) standard deviations of the paired differences; with those of results\/x a difference in val_loss of 0\.\d+ to [12](\.\d)?$/,
  );
});

test('clipbench plan ends with it', async (context) => {
  const folder = temporaryFolder(context);
  const file = experimentFile(folder, matrix(`{baseline: none, ${metric}}`));
  const { code, stdout } = await clipbench(['plan', file]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /\n\n6 comparisons under Holm, 8 paired seeds: .* Found with 80 %: a typical difference of [\d.]+ standard/,
  );
  const { stdout: smoke } = await clipbench(['plan', file, '--smoke']);
  assert.ok(!smoke.includes('paired seeds'));
});
