import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { cellId } from '../src/matrix/identity.ts';
import { halton } from '../src/matrix/tune.ts';
import { confirmCount, confirmed, type Tuning } from '../src/matrix/tuning.ts';
import { bestTrial } from '../src/stats/selection.ts';
import { type Cell, UsageError } from '../src/types.ts';

const written = `question: Does clipping help when each strategy has its own learning rate?
steps: 4
seeds: 2
task: {name: adding, length: 20}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: [0.01, 0.1]}
strategy:
  - none
  - {name: norm, max_norm: 1}
  - {name: value, clip_value: 0.1}
compare: {baseline: none, metric: test_success_rate}
tune: {over: [learning_rate], seeds: [100, 101]}
`;

const changed = (...changes: [from: string, to: string][]) =>
  changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, written);
const drawing: [string, string] = ['seeds: [100, 101]}', 'seeds: [100, 101], budget: 6}'];
const both: [string, string] = ['over: [learning_rate]', 'over: [learning_rate, threshold]'];

function tuningOf(text: string): Tuning {
  const { tuning } = parseExperiment(text, 'x.yaml');
  assert.ok(tuning);
  return tuning;
}
const cellsOf = (text: string): Cell[] => [...parseExperiment(text, 'x.yaml').cells.values()];
const mistakesOf = (text: string): string[] => {
  try {
    parseExperiment(text, 'x.yaml');
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message.split('\n');
  }
  return [];
};

test('the cells of a tuned experiment are its trials: each value that is written, on the tuning seeds', () => {
  assert.deepEqual(
    cellsOf(written).map((cell) => [cell.strategy[0]?.name, cell.trial, cell.learning_rate, cell.seed, cell.phase]),
    ['none', 'norm', 'value'].flatMap((name) =>
      [0.01, 0.1].flatMap((rate, trial) => [100, 101].map((seed) => [name, trial, rate, seed, 'tune'])),
    ),
  );
});

test('what is chosen is run again on the seeds of the matrix, as the same cell that no tuning would make', () => {
  const tuning = tuningOf(written);
  assert.equal(confirmCount(tuning), 6);
  // The second rate is better for norm, the first for the others.
  const rate = (id: string) => tuning.cells.get(id)?.learning_rate;
  const isNorm = (id: string) => tuning.cells.get(id)?.strategy[0]?.name === 'norm';
  const chosen = confirmed(tuning, (id) => ((rate(id) === 0.1) === isNorm(id) ? 1 : 0));
  assert.deepEqual(
    [...chosen.values()].map((cell) => [cell.strategy[0]?.name, cell.learning_rate, cell.seed, cell.phase, cell.trial]),
    [
      ['none', 0.01],
      ['norm', 0.1],
      ['value', 0.01],
    ].flatMap(([name, own]) => [0, 1].map((seed) => [name, own, seed, 'confirm', undefined])),
  );
  const plain = parseExperiment(changed(['tune: {over: [learning_rate], seeds: [100, 101]}\n', '']), 'x.yaml').cells;
  for (const [id, cell] of chosen) {
    assert.equal(cellId(cell), id);
    assert.ok(plain.has(id));
  }
});

test('nothing is chosen before every trial of a strategy has a result', () => {
  const tuning = tuningOf(written);
  const open = [...tuning.cells.keys()][0];
  const chosen = confirmed(tuning, (id) => (id === open ? undefined : 1));
  assert.deepEqual(new Set([...chosen.values()].map(({ strategy }) => strategy[0]?.name)), new Set(['norm', 'value']));
});

test('the best median wins, the earliest of equals; a run that diverged counts as the worst', () => {
  assert.equal(
    bestTrial([
      [1, 1, 9],
      [2, 2, 2],
      [2, 2, 2],
    ]),
    1,
  );
  assert.equal(
    bestTrial([
      [5, undefined, undefined],
      [1, 1, 1],
    ]),
    1,
  );
  assert.equal(bestTrial([[Number.NaN], [-5]]), 1);
  assert.equal(bestTrial([[undefined], [undefined]]), 0);
});

test('with a budget all strategies try as many points, and the same learning rates', () => {
  const cells = cellsOf(
    changed(drawing, both, ['max_norm: 1', 'max_norm: [0.1, 10]'], ['clip_value: 0.1', 'clip_value: [0.01, 1]']),
  );
  const rates = (name: string) =>
    cells.filter((cell) => cell.strategy[0]?.name === name && cell.seed === 100).map((cell) => cell.learning_rate);
  assert.equal(rates('none').length, 6);
  assert.deepEqual(rates('norm'), rates('none'));
  assert.deepEqual(rates('value'), rates('none'));
  assert.ok(rates('none').every((rate) => rate >= 0.01 && rate <= 0.1));
  const norms = new Set(
    cells.flatMap(({ strategy }) => strategy.flatMap(({ options }) => Number(options.max_norm) || [])),
  );
  assert.equal(norms.size, 6);
  assert.ok([...norms].every((norm) => norm >= 0.1 && norm <= 10));
});

test('a larger budget goes on where a smaller one stopped, so its trials need not be run again', () => {
  for (const method of ['random', 'quasi_random']) {
    const ids = (budget: number) => [
      ...tuningOf(
        changed(['seeds: [100, 101]}', `seeds: [100, 101], budget: ${budget}, method: ${method}}`]),
      ).cells.keys(),
    ];
    const more = new Set(ids(9));
    assert.ok(
      ids(5).every((id) => more.has(id)),
      method,
    );
  }
});

test('random draws differ from evenly spread ones', () => {
  const rates = (method: string) =>
    cellsOf(changed(['seeds: [100, 101]}', `seeds: [100, 101], budget: 4, method: ${method}}`])).map(
      (cell) => cell.learning_rate,
    );
  assert.notDeepEqual(rates('random'), rates('quasi_random'));
});

test('of one threshold that is written, the range is where its strategy says good ones are', () => {
  const thresholds = cellsOf(changed(drawing, both)).flatMap(
    ({ strategy }) => Number(strategy[0]?.options.max_norm) || [],
  );
  assert.equal(new Set(thresholds).size, 6);
  assert.ok(Math.max(...thresholds) > 1 && Math.min(...thresholds) < 1);
});

test('of a chain, the threshold of every member is tuned', () => {
  const chain = '{chain: [{name: value, clip_value: [0.1, 1]}, {name: norm, max_norm: [1, 10]}]}';
  const text = changed(drawing, both, ['{name: value, clip_value: 0.1}', chain]);
  const { contests } = tuningOf(text);
  const own = contests.find(({ cell }) => cell.strategy.length === 2);
  assert.equal(own?.points.length, 6);
  assert.equal(new Set(own?.points.map(({ strategy }) => strategy[0]?.options.clip_value)).size, 6);
  assert.equal(new Set(own?.points.map(({ strategy }) => strategy[1]?.options.max_norm)).size, 6);
});

test("Halton's numbers are mirrored digits, and any first ones lie evenly", () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => halton(n, 2)),
    [0.5, 0.25, 0.75, 0.125],
  );
  for (const [i, expected] of [1 / 3, 2 / 3, 1 / 9, 4 / 9].entries()) {
    assert.ok(Math.abs(halton(i + 1, 3) - expected) < 1e-15);
  }
  fc.assert(
    fc.property(fc.constantFrom(2, 3, 5), fc.integer({ min: 1, max: 4 }), (base, digits) => {
      const n = base ** digits;
      const cells = Array.from({ length: n }, (_, i) => Math.floor(halton(i + 1, base) * n + 1e-9) % n);
      assert.equal(new Set(cells).size, n);
    }),
  );
});

test('a smoke run tunes nothing', () => {
  const { tuning, cells } = parseExperiment(written, 'x.yaml', { smoke: true });
  assert.equal(tuning, undefined);
  assert.deepEqual(new Set([...cells.values()].map(({ phase }) => phase)), new Set(['smoke']));
});

const refused: [why: string, text: string, message: RegExp][] = [
  [
    'a seed that is confirmed on too',
    changed(['[100, 101]', '[100, 1]']),
    /^x\.yaml:12:.*seed 1 is among the seeds of the matrix/,
  ],
  [
    'unequal numbers of trials',
    changed(both, ['max_norm: 1', 'max_norm: [1, 2]']),
    /same number of trials, but none has 2, norm has 4; give budget: 4/,
  ],
  [
    'a budget for a grid',
    changed(['101]}', '101], budget: 4, method: grid}']),
    /method grid and budget 4; a grid tries every value/,
  ],
  [
    'draws without a budget',
    changed(['101]}', '101], method: random}']),
    /method random and budget missing; say how many/,
  ],
  ['what cannot be tuned', changed(['over: [learning_rate]', 'over: [momentum]']), /tune: over\.0 is "momentum"/],
  [
    'a seed twice',
    changed(['seeds: [100, 101]', 'seeds: [100, 100]']),
    /seed 100 is written twice; give every seed once/,
  ],
  ['an unknown key', changed(['seeds: [100', 'trials: 3, seeds: [100']), /unknown key "trials"/],
  [
    'nothing to choose from',
    changed(['[0.01, 0.1]', '0.1']),
    /nothing is tuned: no learning_rate has more than one value/,
  ],
  [
    'one end of a range',
    changed(drawing, ['[0.01, 0.1]', '0.1']),
    /learning_rate of optimizer "sgd" is 0\.1 alone; give the ends/,
  ],
  [
    'a rule in the place of a range',
    changed(drawing, both, ['max_norm: 1', 'max_norm: {quantile: 0.9}']),
    /max_norm of strategy "norm" has no range of numbers/,
  ],
  [
    'a comparison that names what is tuned',
    changed(both, drawing, ['baseline: none', 'baseline: {strategy: norm, threshold: 1}']),
    /^x\.yaml:11:.*threshold is tuned, so it has no value before it is chosen/,
  ],
  [
    'a family that names what is tuned',
    changed(['success_rate}', 'success_rate, family: [{strategy: norm, learning_rate: 0.1}]}']),
    /learning_rate is tuned/,
  ],
];

for (const [why, text, message] of refused) {
  test(`tune refuses ${why}`, () => {
    const mistakes = mistakesOf(text);
    assert.equal(mistakes.length, 1, mistakes.join('\n'));
    assert.match(mistakes[0] ?? '', message);
  });
}
