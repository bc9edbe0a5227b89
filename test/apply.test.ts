/** `clipbench apply`: the golden cases as JSON in and JSON out, and what is refused. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { applySchema, applySteps } from '../src/apply/steps.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { Finding, UsageError } from '../src/types.ts';
import { clipbench, temporaryFolder } from './support/clipbench.ts';
import { appliedCases, assertApplied, given, leftOut } from './support/golden_apply.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

test('every golden case with gradients or weights in and out passes through apply', () => {
  assert.ok(appliedCases.length > 200, `${appliedCases.length} cases`);
  for (const applied of appliedCases) assertApplied(applied, eager);
});

/** By the beginnings of their ids. */
const elsewhere: Record<string, string> = {
  'S03/keras/exclusive': 'are about two arguments at once, which no strategy has (golden_clip_refusals)',
  'S03/torch/errorIfNonfinite': 'throw (golden_clip_refusals)',
  S11: 'give losses and norms, no gradients (golden_clip_steps)',
  S20: 'are given by example and expect sums (golden_clip_examples, through apply too)',
  S21: 'likewise',
  S22: 'likewise',
  S23: 'give norms, no gradients (golden_clip_examples)',
  S28: 'have a problem whose gradient depends on the weights (golden_clip_optimizers)',
  S30: 'expect updates of an optimizer after it (golden_clip_steps)',
  S33: 'are about a network (golden_clip_optimizers)',
};
test('every other case is of those that another test runs', () => {
  const beginnings = Object.keys(elsewhere);
  assert.deepEqual(
    leftOut.filter((id) => !beginnings.some((beginning) => id.startsWith(beginning))),
    [],
  );
});

test('and one of each kind through the compiled engine', onNative, () => {
  const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
  // Recording takes its time: of all, see test/deep/golden_compiled.test.ts.
  const kinds = new Map(
    appliedCases.map((applied) => [`${applied.example.strategy} ${applied.example.semantics}`, applied]),
  );
  for (const applied of kinds.values()) assertApplied(applied, engine);
  engine.dispose();
});

const vector = (...d: (number | string)[]) => ({ s: [d.length], d });
const one = (strategy: unknown, ...d: (number | string)[]) => given({ strategy, steps: [{ grads: [vector(...d)] }] });

test('takes our names, those of the catalogue, and options within or beside', () => {
  const results = [
    one({ name: 'global_norm', max_norm: 1 }, 3, 4),
    one({ name: 'S03', maxNorm: 1 }, 3, 4),
    one({ name: 'S03', params: { maxNorm: 1 }, semantics: 'safe' }, 3, 4),
    given({ strategy: 'S03', params: { maxNorm: 1 }, steps: [{ grads: [vector(3, 4)] }] }),
    one({ chain: ['none', { name: 'global_norm', max_norm: 1 }] }, 3, 4),
  ].map((input) => applySteps(input, eager).steps[0]?.grads);
  for (const grads of results) assert.deepEqual(grads, [vector(0.6, 0.8)]);
});

test('tensors keep their names, nulls and places; what is not finite is text', () => {
  const named = given({
    strategy: { name: 'value', clip_value: 1 },
    steps: [{ grads: { w: vector(5, 'NaN', '-Infinity'), b: null } }],
  });
  assert.deepEqual(applySteps(named, eager).steps[0]?.grads, { w: vector(1, 'NaN', -1), b: null });
  const listed = given({ strategy: 'none', steps: [{ grads: [null, vector(1)] }] });
  assert.deepEqual(applySteps(listed, eager).steps[0]?.grads, [null, vector(1)]);
});

test('an optimizer returns weights, and keeps its state from step to step', () => {
  const input = given({
    strategy: { name: 'sgd', momentum: 0.5, learning_rate: 0.5 },
    weights: [vector(1)],
    steps: [{ grads: [vector(1)] }, { grads: [vector(1)] }],
  });
  assert.deepEqual(
    applySteps(input, eager).steps.map(({ weights }) => weights),
    [[vector(0.5)], [vector(-0.25)]],
  );
});

const refusal = (input: unknown) => {
  try {
    applySteps(given(input), eager);
  } catch (error) {
    assert.ok(error instanceof UsageError || error instanceof Finding, String(error));
    return error.message;
  }
  return assert.fail('not refused');
};
const steps = [{ grads: [vector(3, 4)] }];

const wrong: [string, unknown, RegExp][] = [
  ['an unknown name', { strategy: 'global_nrm', steps }, /unknown name "global_nrm"; did you mean "global_norm"\?/],
  ['an unknown option', { strategy: { name: 'norm', maxnorm: 1 }, steps }, /unknown option "maxnorm"; did you mean/],
  ['a missing option', { strategy: 'norm', steps }, /strategy "norm" needs max_norm/],
  ['a threshold below 0', { strategy: { name: 'norm', max_norm: -1 }, steps }, /max_norm is -1; /],
  ['an optimizer in a chain', { strategy: { chain: ['none', 'sgd'] }, steps }, /give an optimizer by itself/],
  [
    'entries that do not fit',
    { strategy: 'none', steps: [{ grads: [{ s: [3], d: [1] }] }] },
    /g0: shape \[3\] holds 3 entries, not 1/,
  ],
  ['no gradient', { strategy: 'none', steps: [{}] }, /steps\[0\]: grads is missing/],
  [
    'what is not finite, where that is to be raised',
    { strategy: { name: 'none', non_finite: 'raise' }, steps: [{ grads: [vector('NaN')] }] },
    /steps\[0\]: the gradient is not finite/,
  ],
];
for (const [what, input, message] of wrong) test(`refuses ${what}`, () => assert.match(refusal(input), message));

test('gradients that are not there: nothing, null, or none that is seen', () => {
  const of = (strategy: unknown, grads: unknown[]) =>
    applySteps(given({ strategy, steps: [{ grads }] }), eager).steps[0];
  const limit = { name: 'global_norm', max_norm: 1 };
  assert.deepEqual(of(limit, [])?.grads, []);
  assert.deepEqual(of(limit, [null])?.grads, [null]);
  assert.deepEqual(of({ ...limit, exclude: ['*'] }, [vector(3, 4)])?.grads, [vector(3, 4)]);
});

const plain = { name: 'sgd', learning_rate: 1 };
const unlike: [what: string, input: unknown, message: string][] = [
  [
    'weights of another shape',
    { strategy: 'agc', weights: [vector(1, 2, 3)], steps: [{ grads: [vector(1, 2)] }] },
    'weights: g0 is [3] and in steps[0] [2]; give both one shape',
  ],
  [
    'steps of other shapes',
    { strategy: plain, steps: [{ grads: [vector(1, 2)] }, { grads: [vector(1)] }] },
    'steps[1]: g0 is [1] and in steps[0] [2]; give both one shape',
  ],
  [
    'a gradient that is null later on',
    { strategy: plain, steps: [{ grads: [vector(1), vector(2)] }, { grads: [vector(1), null] }] },
    'steps[1] has no g1, which steps[0] has; give it too',
  ],
  [
    'noise for a tensor that is not there',
    {
      strategy: { name: 'dp_sgd', max_norm: 1, noise_multiplier: 1 },
      steps: [{ perExample: [vector(1, 2)], noise: { x: vector(1) } }],
    },
    'steps[0].noise has x, which steps[0] has not; leave it out',
  ],
  [
    'workers with other tensors',
    { strategy: { name: 'clip21', max_norm: 1 }, steps: [{ workers: [[vector(1, 2)], [vector(1)]] }] },
    'steps[0].workers[1]: g0 is [1] and in workers[0] [2]; give both one shape',
  ],
];
for (const [what, input, message] of unlike) {
  test(`refuses ${what}`, () => assert.throws(() => applySteps(given(input), eager), { message }));
}

test('what parameters of the catalogue say of an optimizer is done', () => {
  const weightsOf = (strategy: unknown) =>
    applySteps(given({ strategy, weights: [vector(1)], steps: [{ grads: [vector(3)] }] }), eager).steps[0]?.weights;
  // x0 = 1, alpha = 1 / 18: z = 1 - clip(3) / 18, and y is on the way there, all of it at the first step.
  assert.deepEqual(weightsOf({ name: 'S28', a: 2, L: 9, B: 2 }), weightsOf({ name: 'S28', a: 2, lr: 1 / 9, B: 2 }));
  assert.deepEqual(
    weightsOf({ name: 'S16', lr: 0.5, betas: [0.9, 0.999], eps: 1e-6 }),
    weightsOf({ name: 'lamb', learning_rate: 0.5 }),
  );
  assert.deepEqual(weightsOf({ name: 'S26', lr: 1, decay: 0.9, threshold: 1, order: 'trace>clip' }), [vector(0)]);
  assert.deepEqual(weightsOf({ name: 'S26', lr: 0.25, threshold: 1, decay: 0.9, order: 'clip>trace' }), [vector(0.75)]);
});

test('other systems take any number: so do their semantics', () => {
  const input = one({ name: 'norm', max_norm: -1, semantics: 'torch' }, 3, 4);
  assert.equal(applySteps(input, eager).steps.length, 1);
});

test('the command reads a file, and says what is wrong in one line', async (context) => {
  const folder = temporaryFolder(context);
  const file = (text: string) => {
    const path = join(folder, 'input.json');
    writeFileSync(path, text);
    return path;
  };
  const text = JSON.stringify({ strategy: { name: 'global_norm', max_norm: 1 }, steps });
  const { code, stdout, stderr } = await clipbench(['apply', file(text)]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).steps[0].grads, [vector(0.6, 0.8)]);
  const bad = await clipbench(['apply', file('{"strategy": "none"}')]);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /input\.json: steps: .*; see src\/apply\/apply\.schema\.json\n$/);
  const holed = await clipbench([
    'apply',
    file('{"strategy": "none", "steps": [{"grads": [{"s": [2], "d": [1, null]}]}]}'),
  ]);
  assert.match(
    holed.stderr,
    /input\.json: steps\.0\.grads\.0\.d\.1: give a number, "NaN", "Infinity" or "-Infinity"; /,
  );
  const missing = await clipbench(['apply', join(folder, 'none.json')]);
  assert.match(
    missing.stderr,
    /none\.json: can't be read \(ENOENT\); give the path of a JSON file, or - for standard input\n$/,
  );
  assert.equal(missing.code, 2);
});

test('the schema on file is that of the code', () => {
  const file = readFileSync(new URL('../src/apply/apply.schema.json', import.meta.url), 'utf8');
  assert.deepEqual(
    JSON.parse(file),
    JSON.parse(JSON.stringify(z.toJSONSchema(applySchema, { io: 'input', target: 'draft-7' }))),
  );
});
