import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { loadExperiment, parseExperiment } from '../src/matrix/experiment.ts';
import { UsageError } from '../src/types.ts';

const good = `question: Does clipping help?
steps: 300
seeds: 2
task: {name: row_mnist}
model: {name: rnn, hidden: [[64]]}
optimizer: {name: sgd, learning_rate: [0.05, 0.5], momentum: 0.9}
strategy:
  - none
  - {name: value, clip_value: [0.01, 0.1]}
  - {chain: [{name: value, clip_value: 1}, {name: global_norm, max_norm: [1, 2]}]}
compare: {baseline: none, metric: val_accuracy}
`;

const cellsOf = (text: string) => [...parseExperiment(text, 'x.yaml').cells.values()];
const changed = (from: string, to: string) => {
  assert.ok(good.includes(from), from);
  return good.replace(from, to);
};
const mistakesOf = (text: string): string[] => {
  try {
    parseExperiment(text, 'x.yaml');
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message.split('\n');
  }
  return [];
};

test('a list is an axis, and the last axis (the seed) changes fastest', () => {
  const cells = cellsOf(good);
  assert.equal(cells.length, 2 * 5 * 2);
  assert.deepEqual(
    cells.slice(0, 6).map(({ strategy, seed, learning_rate }) => [strategy[0]?.name, learning_rate, seed]),
    [
      ['none', 0.05, 0],
      ['none', 0.05, 1],
      ['value', 0.05, 0],
      ['value', 0.05, 1],
      ['value', 0.05, 0],
      ['value', 0.05, 1],
    ],
  );
});

test('a nested list is one value', () => {
  const [cell] = cellsOf(good);
  assert.deepEqual(cell?.model.options.hidden, [64]);
});

test('defaults are filled in before a cell gets its id', () => {
  const ids = (text: string) => [...parseExperiment(text, 'x.yaml').cells.keys()];
  assert.deepEqual(ids(good), ids(`${good}batch_size: 64\ntelemetry: basic\n`));
  assert.deepEqual(ids(good), ids(changed('- none', '- {name: none}')));
  assert.notDeepEqual(ids(good), ids(`${good}batch_size: 32\n`));
});

test('ids are those of earlier days, so that stored results stay valid', () => {
  const ids = [...parseExperiment(good, 'x.yaml').cells.keys()];
  assert.deepEqual(ids.slice(0, 2), ['7a7a66c9aee83ef2', '52c55e009c96dab8']);
});

test('a family names options of every part, and fields', () => {
  const family =
    '{task.length: 30, model.hidden: [64], model.init: orthogonal, optimizer.momentum: 0.90, optimizer.nesterov: false, strategy.max_norm: 2, strategy.value.semantics: safe, schedule: constant, weight_decay: 0, expect: better}';
  const text = changed('{name: row_mnist}', '{name: adding, length: [20, 30]}')
    .replace('hidden: [[64]]', 'hidden: [[64]], init: [glorot, orthogonal]')
    .replace('val_accuracy}', `val_success_rate, family: [${family}]}`);
  const [entry] = parseExperiment(text, 'x.yaml').compare?.family ?? [];
  assert.deepEqual([entry?.['model.hidden'], entry?.['optimizer.nesterov']], [[64], false]);
});

test('of a task, the metric is that of its options', () => {
  const own = (kind: string) =>
    `{name: csv_file, path: test/data/plants.csv, target: kind, categorical: [[colour]], kind: ${kind}}`;
  const compared = (kind: string, metric: string) =>
    mistakesOf(
      changed('{name: row_mnist}', own(kind))
        .replace('{name: rnn, hidden: [[64]]}', 'mlp')
        .replace('val_accuracy', metric),
    );
  assert.deepEqual(compared('classification', 'val_accuracy'), []);
  assert.deepEqual(compared('regression', 'test_mse'), []);
  for (const kinds of ['[classification, regression]', '[regression, classification]']) {
    assert.match(
      compared(kinds, 'val_accuracy').join(),
      /^x\.yaml:11:35: unknown metric of task "csv_file": "accuracy" \(known: mse, loss\)$/,
    );
    assert.match(
      compared(kinds, 'val_mse').join(),
      /unknown metric of task "csv_file": "mse".* \(known: accuracy, loss\)$/,
    );
    assert.deepEqual(compared(kinds, 'val_loss'), []);
  }
});

test('a chain keeps its members in order', () => {
  const chained = cellsOf(good).filter(({ strategy }) => strategy.length === 2);
  assert.deepEqual(
    [
      ...new Set(
        chained.map(({ strategy }) =>
          strategy.map(({ name, options }) => `${name} ${JSON.stringify(options)}`).join(' > '),
        ),
      ),
    ],
    [
      'value {"clip_value":1,"semantics":"safe"} > global_norm {"max_norm":1,"p":2,"semantics":"safe"}',
      'value {"clip_value":1,"semantics":"safe"} > global_norm {"max_norm":2,"p":2,"semantics":"safe"}',
    ],
  );
});

test('blocks are united, keys outside apply to all, and a cell in two blocks runs once', () => {
  const text = `question: q
steps: 10
seeds: [3, 5]
optimizer: {name: adam, learning_rate: 0.001}
strategy: none
matrix:
  - {task: mnist, model: mlp}
  - {task: [mnist, row_mnist], model: mlp, seeds: [5]}
`;
  assert.deepEqual(
    cellsOf(text).map(({ task, seed }) => `${task.name} ${seed}`),
    ['mnist 3', 'mnist 5', 'row_mnist 5'],
  );
});

const refusals: [what: string, text: string, expected: RegExp][] = [
  [
    'an unknown strategy',
    changed('name: value, clip_value: [', 'name: valeu, clip_value: ['),
    /^x\.yaml:9:12: unknown strategy "valeu"; did you mean "value"\?$/,
  ],
  [
    'an unknown option',
    changed('momentum', 'momentun'),
    /^x\.yaml:6:52: unknown option of optimizer "sgd": "momentun"; did you mean "momentum"\?/,
  ],
  [
    'a wrong type',
    changed('momentum: 0.9', 'momentum: much'),
    /^x\.yaml:6:62: optimizer "sgd": momentum is "much"; .*expected number/,
  ],
  [
    'a negative threshold',
    changed('[0.01, 0.1]', '[0.01, -1]'),
    /^x\.yaml:9:38: strategy "value": clip_value is -1; .*>0/,
  ],
  [
    'a threshold that is left out',
    changed('{name: value, clip_value: [0.01, 0.1]}', 'value'),
    /^x\.yaml:9:5: strategy "value" needs clip_value/,
  ],
  ['an empty axis', changed('[0.05, 0.5]', '[]'), /^x\.yaml:6:39: optimizer\.learning_rate is an empty list/],
  [
    'a repeated value',
    changed('[0.05, 0.5]', '[0.5, 0.5]'),
    /^x\.yaml:6:45: optimizer\.learning_rate holds 0\.5 twice/,
  ],
  ['a duplicate key', changed('seeds: 2', 'seeds: 2\nsteps: 4'), /^x\.yaml:4:1: Map keys must be unique/],
  ['an unknown key', changed('steps:', 'step:'), /^x\.yaml:2:1: unknown key "step"; did you mean "steps"\?/],
  [
    'a list that has to be nested',
    changed('[[64]]', '[64]'),
    /^x\.yaml:5:29: model "rnn": hidden is 64; .*nested: \[\[64\]\]/,
  ],
  ['NaN', changed('0.05, 0.5', '.nan, 0.5'), /^x\.yaml:6:40: optimizer "sgd": learning_rate is NaN/],
  ['a model that cannot read the task', changed('row_mnist', 'mnist'), /^x\.yaml:5:8: model "rnn" reads sequences/],
  [
    'a name with a path in it',
    changed('- none', '- ../../etc/passwd'),
    /^x\.yaml:8:5: unknown strategy "\.\.\/\.\.\/etc\/passwd" /,
  ],
  [
    'a name with markup in it',
    changed('name: rnn', 'name: "<b>rnn</b>"'),
    /^x\.yaml:5:15: unknown model "<b>rnn<\/b>" /,
  ],
  ['an unknown baseline', changed('baseline: none', 'baseline: nun'), /^x\.yaml:11:21: unknown baseline "nun"/],
  [
    'a metric the task does not have',
    changed('val_accuracy', 'val_acuracy'),
    /^x\.yaml:11:35: unknown metric of task "row_mnist": "acuracy"; did you mean "accuracy"\?/,
  ],
  [
    'a number beyond float32',
    changed('0.05, 0.5', '0.05, 1e39'),
    /^x\.yaml:6:46: optimizer "sgd": learning_rate is 1e\+39, which float32 can't hold/,
  ],
  [
    'a number that float32 takes for 0',
    changed('[0.01, 0.1]', '1e-50'),
    /^x\.yaml:9:31: strategy "value": clip_value is 1e-50, which float32/,
  ],
  [
    'an integer that a double cannot hold',
    changed('0.05, 0.5', '9007199254740993'),
    /^x\.yaml:6:40: optimizer\.learning_rate.* can't be used: .* beyond 2\^53/,
  ],
  ['a list that holds itself', changed('- none', '- &a [*a]'), /^x\.yaml:8:\d+: .*it holds itself/],
  [
    'a family nobody is in',
    changed('val_accuracy}', 'val_accuracy, family: [{strategy: norm}]}'),
    /^x\.yaml:11:\d+: no run other than of "none" has strategy norm/,
  ],
  [
    'a family by an unknown key',
    changed('val_accuracy}', 'val_accuracy, family: [{strateggy: value}]}'),
    /^x\.yaml:11:\d+: unknown key of a family entry: "strateggy"; did you mean "strategy"\?/,
  ],
  [
    'a family by an option that no run has',
    changed('val_accuracy}', 'val_accuracy, family: [{hidden: 64}]}'),
    /^x\.yaml:11:\d+: unknown key of a family entry: "hidden"; did you mean "model\.hidden"\?/,
  ],
  [
    'a family by an option of the baseline alone',
    changed(
      'none, metric: val_accuracy}',
      'value-global_norm, metric: val_accuracy, family: [{strategy.max_norm: 1}]}',
    ).replace('max_norm: [1, 2]', 'max_norm: 1'),
    /^x\.yaml:11:\d+: unknown key of a family entry: "strategy\.max_norm"/,
  ],
  [
    'a family by a value that no run has',
    changed('val_accuracy}', 'val_accuracy, family: [{model.hidden: [32], weight_decay: 0, strategy: value}]}'),
    /^x\.yaml:11:\d+: no run other than of "none" has model\.hidden \[32\], weight_decay 0, strategy value; change/,
  ],
  [
    'an expectation that no verdict meets',
    changed('val_accuracy}', 'val_accuracy, family: [{strategy: value, expect: beter}]}'),
    /^x\.yaml:11:\d+: unknown expectation "beter"; did you mean "better"\?/,
  ],
  [
    'a comparison against what is not said',
    changed('val_accuracy}', 'val_accuracy, family: [{strategy: value, against: 3}]}'),
    /^x\.yaml:11:\d+: against is 3; it takes what differs from the entry, as \{learning_rate: 0\.01\}/,
  ],
  [
    'a comparison against several configurations',
    changed(
      'val_accuracy}',
      'val_accuracy, family: [{strategy: none, learning_rate: 0.5, against: {strategy: value}}]}',
    ),
    /^x\.yaml:11:\d+: \d+ configurations have strategy value, learning_rate 0\.5; it takes one/,
  ],
  [
    'a comparison against what is not run',
    changed(
      'val_accuracy}',
      'val_accuracy, family: [{strategy: none, learning_rate: 0.5, against: {learning_rate: 3}}]}',
    ),
    /^x\.yaml:11:\d+: no run has strategy none, learning_rate 3; it takes one/,
  ],
  [
    'a comparison against an unknown key',
    changed('val_accuracy}', 'val_accuracy, family: [{strategy: none, against: {learning_rat: 3}}]}'),
    /^x\.yaml:11:\d+: unknown key of a family entry: "learning_rat"; did you mean "learning_rate"\?/,
  ],
  [
    'a comparison against another task',
    changed('val_accuracy}', 'val_accuracy, family: [{strategy: none, against: {task: adding}}]}'),
    /^x\.yaml:11:\d+: against names a task; results of different tasks cannot be compared/,
  ],
  [
    'a baseline by a threshold that no run has',
    changed('baseline: none', 'baseline: {strategy: value, threshold: 77}'),
    /^x\.yaml:11:\d+: no run is of "value 77"; change the baseline or the matrix/,
  ],
  [
    'a baseline by an unknown key',
    changed('baseline: none', 'baseline: {strategy: value, treshold: 1}'),
    /^x\.yaml:11:\d+: unknown key of the baseline: "treshold"; did you mean "threshold"\?/,
  ],
  [
    'a baseline of several configurations',
    changed('baseline: none', 'baseline: value'),
    /^x\.yaml:11:\d+: "value" has several configurations at one setting; say which/,
  ],
  [
    'a baseline by more than a strategy',
    changed('baseline: none', 'baseline: {strategy: none, model.norm: none}'),
    /^x\.yaml:11:\d+: unknown key of the baseline: "model\.norm"/,
  ],
  [
    'expectations that contradict each other',
    changed(
      'val_accuracy}',
      'val_accuracy, family: [{strategy: value, expect: better}, {strategy: value, learning_rate: 0.5, expect: worse}]}',
    ),
    /^x\.yaml:11:\d+: expects worse of runs that entry 1 of the family names before/,
  ],
  [
    'a baseline without a strategy',
    changed('baseline: none', 'baseline: {threshold: 1}'),
    /^x\.yaml:11:\d+: baseline names no strategy; say which/,
  ],
  [
    'an empty family',
    changed('val_accuracy}', 'val_accuracy, family: []}'),
    /^x\.yaml:11:\d+: family is an empty list/,
  ],
  ['a name that is no name', changed('name: rnn', 'name: {a: 1}'), /^x\.yaml:5:15: unknown model .*a.*1/],
  ['no seeds', changed('seeds: 2', ''), /^x\.yaml:1:1: seeds is missing/],
  ['seeds that are not numbers', changed('seeds: 2', 'seeds: two'), /^x\.yaml:3:8: seeds is "two"/],
  ['no question', changed('question: Does clipping help?', 'question:'), /^x\.yaml:1:10: question is null/],
  ['a tag', changed('question: Does', 'question: !!js Does'), /^x\.yaml:1:11: Unresolved tag/],
  ['two documents', `${good}---\nquestion: again\n`, /^x\.yaml:\d+:\d+: .*multiple documents/],
  ['broken YAML', 'question: [1, 2\n', /^x\.yaml:\d+:\d+: /],
  ['a list at the top', '- 1\n', /^x\.yaml:1:1: the file holds \[1\]/],
  ['an empty file', '', /^x\.yaml:1:1: the file holds null/],
];
for (const [what, text, expected] of refusals) {
  test(`refuses ${what}, with its place and a remedy`, () => {
    const [first = 'nothing was refused', ...others] = mistakesOf(text);
    assert.match(first, expected);
    assert.deepEqual(
      others.filter((line) => !line.startsWith('x.yaml:')),
      [],
    );
  });
}

test('refuses an alias bomb at once', () => {
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
  assert.match(
    mistakesOf(`question: q\nl0: &l0 lol\n${levels.join('\n')}\n`)[0] ?? '',
    /^x\.yaml:1:1: Excessive alias count/,
  );
});

test('refuses a matrix of a billion cells without building it', () => {
  const axis = `[${Array.from({ length: 32_000 }, (_, i) => i + 1).join(', ')}]`;
  const text = `${changed('steps: 300', `steps: ${axis}`)}eval_every: ${axis}\n`;
  assert.match(mistakesOf(text)[0] ?? '', /cells are more than/);
});

test('all mistakes of a file are reported at once', () => {
  const lines = mistakesOf(changed('momentum', 'momentun').replace('name: rnn', 'name: rn'));
  assert.equal(lines.length, 2);
});

test('every experiment that comes with clipbench is valid', () => {
  const folder = new URL('../experiments/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  assert.equal(files.length >= 3, true, files.join(' '));
  for (const file of files) assert.notEqual(loadExperiment(new URL(file, folder).pathname).cells.size, 0);
});
