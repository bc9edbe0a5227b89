import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { filterCells } from '../src/matrix/filter.ts';
import { type Cell, UsageError } from '../src/types.ts';

const text = `question: q
steps: [10, 100]
seeds: 2
task: {name: adding, length: 20}
model: [{name: rnn, hidden: [[4]]}, {name: mlp, hidden: [[4]]}]
optimizer: [{name: sgd, learning_rate: 0.1}, {name: adam, learning_rate: 1.0e-3}]
strategy:
  - none
  - {name: value, clip_value: 0.10}
  - {name: norm, max_norm: [1, 10]}
  - {chain: [{name: value, clip_value: 1}, {name: norm, max_norm: 1}]}
`;
const { cells } = parseExperiment(text, 'x.yaml');
const [firstId = '', secondId = ''] = cells.keys();

const none = { strategy: 'none', threshold: undefined };
const value = { strategy: 'value', threshold: 0.1 };
const norm1 = { strategy: 'norm', threshold: 1 };
const norm10 = { strategy: 'norm', threshold: 10 };
const chain = { strategy: 'value-norm', threshold: undefined };

/** Strategy and threshold of what is left when every other axis is held, and how many cells in all. */
const chosenBy = (filter: string) => {
  const rows = [...filterCells(cells, [filter]).values()].map(({ strategy }) => {
    const [only, ...others] = strategy;
    const threshold = others.length === 0 ? (only?.options.clip_value ?? only?.options.max_norm) : undefined;
    return { strategy: strategy.map(({ name }) => name).join('-'), threshold };
  });
  return { strategies: [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()], count: rows.length };
};

const all = [none, value, norm1, norm10, chain];
const settings = 2 * 2 * 2 * 2;
const good: [filter: string, strategies: typeof all, settings: number][] = [
  ['strategy=norm', [norm1, norm10], settings],
  ['strategy=norm|value', [value, norm1, norm10], settings],
  ['strategy=value-norm', [chain], settings],
  ['strategy!=none', [value, norm1, norm10, chain], settings],
  ['strategy!=none|norm', [value, chain], settings],
  ['threshold=0.1', [value], settings],
  ['threshold=0.10|1e1', [value, norm10], settings],
  ['threshold<=1', [value, norm1], settings],
  ['threshold<1', [value], settings],
  ['threshold>1', [norm10], settings],
  ['threshold>=1', [norm1, norm10], settings],
  ['threshold>0.1,threshold<10', [norm1], settings],
  ['threshold!=1', [none, value, norm10, chain], settings],
  ['model=rnn', all, settings / 2],
  ['model=rnn,strategy=norm', [norm1, norm10], settings / 2],
  [' model = rnn , strategy = norm | none ', [none, norm1, norm10], settings / 2],
  ['optimizer=adam,learning_rate=0.001', all, settings / 2],
  ['steps>=100,seed=0', all, settings / 4],
  ['task=adding,numerics=repro,batch_size=64,phase=confirm', all, settings],
  ['model=rnn|mlp', all, settings],
];
for (const [filter, strategies, count] of good) {
  test(`${filter} chooses what it says`, () =>
    assert.deepEqual(chosenBy(filter), { strategies, count: count * strategies.length }));
}

test('a cell is chosen by its id, or by the beginning of it', () => {
  assert.deepEqual([...filterCells(cells, [`cell_id=${firstId}|${secondId.slice(0, 6)}`]).keys()], [firstId, secondId]);
  assert.equal(filterCells(cells, [`cell_id!=${firstId}`]).has(firstId), false);
});

test('several filters have to be met all, and the order of the matrix stays', () => {
  const both = [...filterCells(cells, ['strategy=norm|none', 'model=mlp']).keys()];
  assert.deepEqual(both, [...filterCells(cells, ['model=mlp,strategy=none|norm']).keys()]);
  assert.deepEqual(
    both,
    [...cells.keys()].filter((id) => both.includes(id)),
  );
});

test('without a filter every cell is chosen', () => assert.deepEqual(filterCells(cells, []), cells));

const varied = `question: q
steps: 100
seeds: 1
task: [{name: adding, length: [20, 30]}, {name: heavy_tail_regression, features: 30}]
model: [{name: mlp, hidden: [[4], [4, 8]], init: [glorot, orthogonal]}, {name: linear, init: he}]
optimizer: [{name: sgd, learning_rate: 0.1, momentum: [0, 0.9]}, {name: adam, learning_rate: 0.01}]
schedule: [constant, {name: cosine, warmup: [0, 10]}]
weight_decay: [0, 0.01]
strategy:
  - {name: norm, max_norm: 1}
  - {chain: [{name: value, clip_value: 1, semantics: tf}, {name: norm, max_norm: 5}]}
`;
const variedCells = parseExperiment(varied, 'x.yaml').cells;

const named: [filter: string, has: (cell: Cell) => boolean][] = [
  ['task.length=30', ({ task }) => task.options.length === 30],
  ['task.length<=20', ({ task }) => task.options.length === 20],
  ['task.features>20,model=mlp', ({ task, model }) => task.options.features === 30 && model.name === 'mlp'],
  ['task.length!=30', ({ task }) => task.options.length !== 30],
  ['model.init=orthogonal', ({ model }) => model.options.init === 'orthogonal'],
  ['model.init=orthogonal|glorot,model=mlp', ({ model }) => model.name === 'mlp'],
  ['model.hidden=[4,8]', ({ model }) => String(model.options.hidden) === '4,8'],
  ['model.hidden=[4, 8]|[4],model=mlp', ({ model }) => model.name === 'mlp'],
  ['model.dropout=0.0', ({ model }) => model.options.dropout === 0],
  ['optimizer.momentum=9e-1', ({ optimizer }) => optimizer.options.momentum === 0.9],
  ['optimizer.nesterov=false', ({ optimizer }) => optimizer.options.nesterov === false],
  ['strategy.max_norm>1', ({ strategy }) => strategy.length === 2],
  ['strategy.clip_value=1', ({ strategy }) => strategy.length === 2],
  ['strategy.semantics=safe', ({ strategy }) => strategy.length === 1],
  ['strategy.value.semantics=tf', ({ strategy }) => strategy.length === 2],
  ['weight_decay=0.01', ({ weight_decay }) => weight_decay === 0.01],
  ['weight_decay<0.01,decay=decoupled', ({ weight_decay }) => weight_decay === 0],
  ['schedule=cosine', ({ schedule }) => schedule.name === 'cosine'],
  ['schedule.warmup>=10', ({ schedule }) => schedule.options.warmup === 10],
  ['label_noise=0,telemetry=basic,eval_every=50', () => true],
];
for (const [filter, has] of named) {
  test(`${filter} chooses by options and fields`, () => {
    const wanted = [...variedCells].filter(([, cell]) => has(cell)).map(([cell_id]) => cell_id);
    assert.ok(wanted.length > 0);
    assert.deepEqual([...filterCells(variedCells, [filter]).keys()], wanted);
  });
}

test('an option that no cell has is unknown, and the nearest one is named', () => {
  const refusal = (filter: string) => refusalOf([filter], variedCells);
  assert.match(
    refusal('task.lenght=30'),
    /^--filter task\.lenght=30: unknown key "task\.lenght"; did you mean "task\.length"\?/,
  );
  assert.match(refusal('dropout=0'), /: unknown key "dropout"; did you mean "model\.dropout"\? \(known: task, model, /);
  assert.match(
    refusal('task.delay=3'),
    /: unknown key "task\.delay" \(known: .*, weight_decay, .*, task\.length, task\.features, /,
  );
  assert.match(refusal('target=0.5'), /: unknown key "target"/);
  assert.match(refusal('model.init=orthogonl'), /: no cell has model\.init=orthogonl; did you mean "orthogonal"\? /);
  assert.match(refusal('model.hidden=4'), /: no cell has model\.hidden=4.* \(there are: \[4\], \[4,8\]\)$/);
  assert.match(refusal('model.hidden<4'), /: model\.hidden is not a number, which "<" takes; /);
  assert.match(refusal('task.length=long'), /: task\.length is "long"; give a number/);
});

const refusals: [what: string, filters: string[], message: string][] = [
  [
    'an unknown key',
    ['mdoel=rnn'],
    '--filter mdoel=rnn: unknown key "mdoel"; did you mean "model"? (known: task, model, optimizer, learning_rate, ' +
      'strategy, threshold, batch_size, steps, numerics, seed, phase, trial, cell_id, schedule, eval_every, ',
  ],
  ['a key of every object', ['toString=1'], '--filter toString=1: unknown key "toString" (known: task, '],
  ['no key', ['=rnn'], '--filter =rnn: unknown key "" (known: '],
  [
    'a bare word',
    ['model=rnn,none'],
    '--filter model=rnn,none: "none" is no condition; write key=value, as in model=rnn,strategy!=none|value,threshold<=1',
  ],
  ['an empty filter', [''], '--filter "": "" is no condition; '],
  ['a comma too many', ['model=rnn,'], '--filter model=rnn,: "" is no condition; '],
  ['two signs', ['model==rnn'], '--filter model==rnn: "model==rnn" is no condition; '],
  ['a range', ['0.1<threshold<1'], '--filter 0.1<threshold<1: "0.1<threshold<1" is no condition; '],
  [
    'a missing value',
    ['model='],
    '--filter model=: model has an empty value; write model=value, and | between several',
  ],
  ['a missing alternative', ['seed!=1|'], '--filter seed!=1|: seed has an empty value; write seed!=value, and | '],
  ['a word for a number', ['steps=many'], '--filter steps=many: steps is "many"; give a number, such as 100 or 0.01'],
  ['NaN', ['threshold=NaN'], '--filter threshold=NaN: threshold is "NaN"; give a number'],
  ['an order of names', ['model<rnn'], '--filter model<rnn: model is not a number, which "<" takes; write = or !='],
  ['an order with several', ['steps<=1|2'], '--filter steps<=1|2: "<=" takes one number, not "1|2"; give one'],
  ['a short id', ['cell_id=7f5'], '--filter cell_id=7f5: cell_id is "7f5"; give 4 to 16 hex digits'],
  ['control characters', ['model\n=\u001b[2J'], '--filter model = [2J: no cell has model= [2J (there are: rnn, mlp)'],
  [
    'a name nobody has',
    ['model=rn'],
    '--filter model=rn: no cell has model=rn; did you mean "rnn"? (there are: rnn, mlp)',
  ],
  [
    'a number nobody has',
    ['model=rnn', 'steps=10,threshold=0.2|2'],
    '--filter steps=10,threshold=0.2|2: no cell has threshold=0.2 (there are: 0.1, 1, 10)',
  ],
  [
    'a slip beside a right name',
    ['strategy=none|nrom'],
    '--filter strategy=none|nrom: no cell has strategy=nrom (there are: ',
  ],
  ['a bound nobody keeps', ['threshold>10'], '--filter threshold>10: no cell has threshold>10 (there are: 0.1, 1, 10)'],
  [
    'conditions that exclude each other',
    ['strategy=none', 'threshold=1'],
    '--filter strategy=none --filter threshold=1: no cell meets all of these conditions at once; leave one of them out',
  ],
];
for (const [what, filters, message] of refusals) {
  test(`refuses ${what} in one line`, () => assert.equal(refusalOf(filters).slice(0, message.length), message));
}

test('of many values a message lists a few', () => {
  const ids = [...cells.keys()].slice(0, 10).join(', ');
  assert.equal(
    refusalOf(['cell_id=00000000']),
    `--filter cell_id=00000000: no cell has cell_id=00000000 (there are: ${ids}, ... and 70 more)`,
  );
});

test('where no cell has a threshold, the message says so', () => {
  const plain = filterCells(cells, ['strategy=none|value-norm']);
  assert.throws(() => filterCells(plain, ['threshold<1']), {
    message: '--filter threshold<1: no cell has threshold<1 (there are none)',
  });
});

function refusalOf(filters: string[], among = cells): string {
  try {
    filterCells(among, filters);
  } catch (error) {
    assert.equal(error instanceof UsageError, true, String(error));
    const message = error instanceof Error ? error.message : '';
    assert.equal(message.includes('\n'), false, message);
    return message;
  }
  return 'nothing was refused';
}
