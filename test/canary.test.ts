import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadExperiment } from '../src/matrix/experiment.ts';
import { parts } from '../src/parts.ts';
import { planOf } from '../src/run/plan.ts';
import { clipbench } from './support/clipbench.ts';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const reference = at('results/reference');
const again =
  'results/reference is not what this code computes. If the arithmetic was meant to change, bump NUMERICS_VERSION in ' +
  'src/matrix/identity.ts, say so in the changelog, and make it anew: rm -r results/reference, then ' +
  'CLIPBENCH_BACKEND=cpu npx clipbench run experiments/reference.yaml';

test('training computes what numerics_version stands for: results/reference, bit for bit', async () => {
  const { code, stdout, stderr } = await clipbench(['verify', reference, '--sample', 'all']);
  assert.equal(code, 0, `${again}\n${stdout}\n${stderr}`);
  assert.match(stdout, /104 equal bit for bit, 0 different, all 104 stored texts whole/);
  assert.doesNotMatch(stdout, /another environment/);
});

test('the reference holds every cell of its matrix, and every part there is', () => {
  const { cells } = loadExperiment(at('experiments/reference.yaml'));
  assert.deepEqual(planOf(reference).cell_ids, [...cells.keys()], again);
  const list = [...cells.values()];
  const used = {
    strategies: list.flatMap(({ strategy }) => strategy.map(({ name }) => name)),
    optimizers: list.map(({ optimizer }) => optimizer.name),
    models: list.map(({ model }) => model.name),
    tasks: list.map(({ task }) => task.name),
    schedules: list.map(({ schedule }) => schedule.name),
  };
  for (const [kind, names] of Object.entries(used)) {
    const all = Object.entries(parts).find(([name]) => name === kind)?.[1] ?? [];
    // Tasks that read the user's own files have none here.
    const made = all.filter(({ options }) => kind !== 'tasks' || options.safeParse({}).success);
    assert.deepEqual([...new Set(names)].sort(), made.map(({ name }) => name).sort(), kind);
  }
});
