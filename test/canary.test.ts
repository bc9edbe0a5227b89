import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { loadBackend } from '../src/engine/backend.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { NUMERICS_VERSION } from '../src/matrix/identity.ts';
import { runText } from '../src/run/text.ts';
import { train } from '../src/train/loop.ts';

/** One short run of everything that computes, on the backend whose bits depend on JavaScript alone. */
const experiment = `question: Has the arithmetic changed?
seeds: 1
steps: 6
batch_size: 4
eval_every: 6
telemetry: full
task: {name: adding, length: 20}
matrix:
  - model: {name: rnn, hidden: [[3, 2]]}
    optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9}
    strategy:
      - {name: value, clip_value: 0.01, semantics: [safe, tf]}
      - {name: norm, max_norm: 0.01, semantics: [safe, tf]}
      - {name: global_norm, max_norm: 0.01, semantics: [safe, tf]}
      - {chain: [{name: value, clip_value: 0.01}, {name: global_norm, max_norm: 0.01}]}
  - model: {name: mlp, hidden: [[3]], activation: [relu, tanh]}
    optimizer: {name: adam, learning_rate: 0.01}
    strategy: none
`;

test('training computes what numerics_version stands for', async () => {
  process.env.CLIPBENCH_BACKEND = 'cpu';
  await loadBackend();
  const hash = createHash('sha256');
  for (const [cell_id, cell] of parseExperiment(experiment, 'canary.yaml').cells) {
    const { run, steps, evals } = runText(
      cell_id,
      cell,
      train(cell, () => 0),
    );
    // Without the ids, which change with numerics_version by themselves.
    hash.update([run, steps, evals].join('').replaceAll(cell_id, ''));
  }
  assert.deepEqual(
    { NUMERICS_VERSION, hash: hash.digest('hex') },
    { NUMERICS_VERSION: 1, hash: '3111627ff362ad739667d9ea3440c4f26522f21527e08dca3f48743bb1a6670b' },
    'results changed: bump NUMERICS_VERSION in src/matrix/identity.ts, say so in the changelog, and commit the new hash',
  );
});
