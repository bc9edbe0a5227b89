import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Adjustments, parseSet } from '../src/matrix/adjustments.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { UsageError } from '../src/types.ts';

const flat = `question: q
steps: [50, 300]
seeds: [4, 2]
task: {name: adding, length: 20}
model: {name: mlp, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.1, 0.2]}
strategy: [none, {name: norm, max_norm: 1}]
compare: {baseline: none, metric: val_loss, family: [{strategy: norm, steps: 300}]}
`;
const blocks = `question: q
seeds: 3
task: {name: adding, length: 20}
optimizer: {name: sgd, learning_rate: 0.1}
steps: 10
strategy: none
matrix:
  - {model: {name: mlp, hidden: [[4]]}, steps: 20}
  - {model: {name: rnn, hidden: [[4]]}, seeds: [7, 8], telemetry: [basic, full]}
`;

const adjusted = (text: string, adjustments: Adjustments) => parseExperiment(text, 'x.yaml', adjustments);
const idsOf = (text: string, adjustments: Adjustments = {}) => [...adjusted(text, adjustments).cells.keys()];
const withSteps = (text: string, set: Record<string, string>) =>
  [...adjusted(text, { set }).cells.values()].map(({ steps, seed }) => `${steps} ${seed}`);

function refusalOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.equal(error instanceof UsageError, true, String(error));
    return error instanceof Error ? error.message : '';
  }
  return 'nothing was refused';
}

test('a set value gives the same cells as the file with that value', () => {
  const cases: [set: Record<string, string>, text: string][] = [
    [{ steps: '100' }, flat.replace('[50, 300]', '100').replace('steps: 300', 'steps: 100')],
    [{ seeds: '[0, 3]' }, flat.replace('[4, 2]', '[0, 3]')],
    [{ seeds: '2' }, flat.replace('[4, 2]', '2')],
    [
      { optimizer: '{name: adam, learning_rate: 1e-3}' },
      flat.replace(/optimizer.*/, 'optimizer: {name: adam, learning_rate: 1e-3}'),
    ],
    [
      { strategy: '\n  - none\n  - {name: value, clip_value: 1}' },
      flat.replace('{name: norm, max_norm: 1}', '{name: value, clip_value: 1}'),
    ],
    [{ telemetry: 'full', batch_size: '[1, 2]' }, `${flat}telemetry: full\nbatch_size: [1, 2]\n`],
  ];
  for (const [set, text] of cases) {
    const undeclared = (matrix: string) => matrix.replace(/compare.*\n/, '');
    assert.deepEqual(idsOf(undeclared(flat), { set }), idsOf(undeclared(text)));
  }
});

test('a set value wins over the top and over every block', () => {
  assert.deepEqual(withSteps(blocks, { steps: '5', seeds: '1' }), ['5 0', '5 0', '5 0']);
  assert.deepEqual(new Set(withSteps(blocks, { seeds: '1' })), new Set(['20 0', '10 0']));
});

test('blocks that a set value makes alike run once', () => {
  const set = { model: '{name: mlp, hidden: [[4]]}', seeds: '2', steps: '5', telemetry: 'basic' };
  assert.equal(idsOf(blocks, { set }).length, 2);
});

test('an experiment says what was adjusted', () => {
  const { set, smoke, text } = adjusted(flat, { set: { seeds: '1' }, smoke: true });
  assert.deepEqual({ set, smoke, text }, { set: { seeds: '1' }, smoke: true, text: flat });
  const plain = parseExperiment(flat, 'x.yaml');
  assert.deepEqual({ set: plain.set, smoke: plain.smoke }, { set: {}, smoke: false });
});

test('words of the command line are split at the first =', () => {
  assert.deepEqual(parseSet([]), {});
  assert.deepEqual(parseSet(['steps=100', ' seeds = [0, 3] ', 'model=a=b', 'target=']), {
    steps: '100',
    seeds: '[0, 3]',
    model: 'a=b',
    target: '',
  });
});

const refusals: [what: string, words: string[], message: string][] = [
  ['a word without =', ['steps'], '--set steps: sets nothing; write key=value, such as steps=100'],
  ['a word without a key', ['=3'], '--set =3: sets nothing; write key=value'],
  ['an empty word', [''], '--set "": sets nothing; write key=value'],
  ['a key given twice', ['steps=3', 'steps=4'], '--set steps=4: steps is set already, to 3; keep one of the two'],
  ['an unknown key', ['stesp=3'], '--set stesp=3: unknown key "stesp"; did you mean "steps"? (known: task, model, '],
  ['what is no part of a block', ['question=why'], '--set question=why: unknown key "question" (known: task, '],
  ['a key of every object', ['__proto__=3'], '--set __proto__=3: unknown key "__proto__" (known: task, '],
  ['a wrong type', ['steps=abc'], '--set steps=abc: the matrix: steps is "abc"; Invalid input: expected number'],
  ['an empty value', ['steps='], '--set steps=: the matrix: steps is null; '],
  ['an empty list', ['steps=[]'], '--set steps=[]: steps is an empty list, so nothing would run; '],
  ['a repeated value', ['seeds=[3, 3]'], '--set seeds=[3, 3]: seeds holds 3 twice; remove one'],
  ['no seeds', ['seeds=0'], '--set seeds=0: seeds is 0; give a number of seeds such as 6, or a list'],
  ['broken YAML', ['seeds=[0, 3'], '--set seeds=[0, 3: Flow sequence'],
  [
    'an unknown part',
    ['strategy=[none, norn]'],
    '--set strategy=[none, norn]: unknown strategy "norn"; did you mean "norm"?',
  ],
  [
    'an unknown option',
    ['optimizer={name: sgd, learning_rate: 1, momentun: 0}'],
    '--set optimizer={name: sgd, learning_rate: 1, momentun: 0}: unknown option of optimizer "sgd": "momentun"; did you',
  ],
  [
    'a number beyond float32, in many words',
    ['optimizer={name:   sgd,   momentum: 0.5,\n  learning_rate:   1e39}'],
    '--set optimizer={name:   sgd,   momentum: 0.5,   learning_rate:...: optimizer "sgd": learning_rate is 1e+39, which',
  ],
  ['a misfit', ['model=rnn', 'task=mnist'], '--set model=rnn: model "rnn" reads sequences'],
  [
    'a baseline that is gone',
    ['strategy={name: norm, max_norm: 1}'],
    'x.yaml:8:21: unknown baseline "none" (known: norm)',
  ],
];
for (const [what, words, message] of refusals) {
  test(`refuses to set ${what}, with its place and a remedy`, () => {
    const [first = '', ...others] = refusalOf(() => adjusted(flat, { set: parseSet(words) })).split('\n');
    assert.equal(first.slice(0, message.length), message);
    assert.equal(
      others.every((line) => /^(--set |x\.yaml:)/.test(line)),
      true,
      others.join('\n'),
    );
  });
}

test('mistakes elsewhere keep their place in the file', () =>
  assert.match(
    refusalOf(() => adjusted(flat.replace('hidden', 'hiden'), { set: { steps: '100' } })),
    /^x\.yaml:5:20: unknown option of model "mlp": "hiden"/,
  ));

test('a mistake in what is replaced is no mistake', () =>
  assert.equal(idsOf(flat.replace(/compare.*/, '').replace('[4, 2]', 'many'), { set: { seeds: '1' } }).length, 8));

test('a smoke run has the first seed of every block, a few steps, and every row', () => {
  const cells = [...adjusted(blocks, { smoke: true }).cells.values()];
  assert.deepEqual(
    cells.map(({ model, seed, telemetry }) => `${model.name} ${seed} ${telemetry}`),
    ['mlp 0 basic', 'rnn 7 basic', 'rnn 7 full'],
  );
  for (const { steps, eval_every, log_every, phase } of cells) {
    assert.deepEqual(
      { steps, eval_every, log_every, phase },
      { steps: 3, eval_every: 3, log_every: 1, phase: 'smoke' },
    );
  }
});

test('a smoke run is never longer than the run', () => {
  const set = { steps: '2', eval_every: '1' };
  const [cell] = adjusted(blocks, { set, smoke: true }).cells.values();
  assert.deepEqual([cell?.steps, cell?.eval_every], [2, 1]);
});

test('cells that differed in length only are one cell in a smoke run', () =>
  assert.equal(idsOf(flat, { smoke: true }).length, 2 * 2));

test('a comparison is declared for the whole matrix, so a smoke run keeps it', () =>
  assert.deepEqual(adjusted(flat, { smoke: true }).compare, parseExperiment(flat, 'x.yaml').compare));

test('a smoke run still refuses a comparison that the matrix has not', () =>
  assert.match(
    refusalOf(() => adjusted(flat.replace('strategy: norm, steps: 300', 'steps: 301'), { smoke: true })),
    /^x\.yaml:8:\d+: no run other than of "none" has steps 301/,
  ));

test('a smoke cell is never taken for a real one', () => {
  const short = flat.replace('[50, 300]', '3').replace('steps: 300', 'steps: 3').concat('eval_every: 3\n');
  const smoke = idsOf(short, { smoke: true });
  assert.equal(smoke.length, 4);
  assert.deepEqual(
    smoke.filter((id) => idsOf(short).includes(id)),
    [],
  );
});
